/**
 * What is promised, how often it is tried, and by which test. `usual` is what `npm test` does, `quick` what
 * `npm run reliability -- --quick` asks for, `full` the figure that is wanted. docs/reliability.md says each in words.
 */

export interface Row {
  /** `npm run fuzz`: what comes in. `npm run faults`: what happens around it. */
  readonly script: 'fuzz' | 'faults';
  readonly promise: string;
  /** What is counted. */
  readonly unit: string;
  readonly usual: number;
  readonly quick: number;
  readonly full: number;
  /** The file whose tests try it, from the project's folder. */
  readonly file: string;
}

const PROTOCOL = 'test/poolnode/protocol';

export const PLAN = {
  F1: {
    script: 'fuzz',
    promise: 'the framer takes any bytes: nothing thrown but PoolError, no more held than a packet and a chunk',
    unit: 'inputs',
    usual: 20_000,
    quick: 2_000_000,
    full: 5_000_000,
    file: `${PROTOCOL}/framer.test.ts`,
  },
  F2: {
    script: 'fuzz',
    promise: 'a stream gives the same packets however it is cut',
    unit: 'streams',
    usual: 300,
    quick: 20_000,
    full: 20_000,
    file: `${PROTOCOL}/framer.test.ts`,
  },
  F3: {
    script: 'fuzz',
    promise:
      'made-up packets that pass for authentic crash no session; its state is one of the table, its output bounded',
    unit: 'packets',
    usual: 8_000,
    quick: 400_000,
    full: 2_000_000,
    file: `${PROTOCOL}/tampering.test.ts`,
  },
  F4: {
    script: 'fuzz',
    promise: 'a changed stream delivers nothing that was not sent',
    unit: 'streams',
    usual: 500,
    quick: 20_000,
    full: 500_000,
    file: `${PROTOCOL}/mutation.test.ts`,
  },
  F6: {
    script: 'fuzz',
    promise: 'requests to a served device of any bytes get an errno, an answer or nothing, never two, and it serves on',
    unit: 'requests',
    usual: 50_000,
    quick: 1_000_000,
    full: 10_000_000,
    file: 'test/pooldev/fuse/device-file.test.ts',
  },
  C1: {
    script: 'fuzz',
    promise: 'every kind of cryptography does what an independent one does, at the edges of its inputs too',
    unit: 'inputs',
    usual: 600,
    quick: 12_000,
    full: 120_000,
    file: 'test/poolnode/crypto/independent.test.ts',
  },
  T1: {
    script: 'fuzz',
    promise:
      'a flipped bit anywhere in any packet ends the session, and nothing of the packet is delivered or acted on',
    unit: 'bits',
    usual: 1_800,
    quick: 41_112,
    full: 41_112,
    file: `${PROTOCOL}/tampering.test.ts`,
  },
  T2: {
    script: 'fuzz',
    promise:
      'a flipped bit anywhere in INIT, CHALLENGE or RESPONSE fails the handshake, or is one that is not acted on',
    unit: 'bits',
    usual: 500,
    quick: 3_856,
    full: 3_856,
    file: `${PROTOCOL}/handshake-bits.test.ts`,
  },
  T3: {
    script: 'fuzz',
    promise:
      'whatever is dropped, doubled, replayed, swapped, reflected, cut or put in: a prefix, then one typed error',
    unit: 'conversations',
    usual: 240,
    quick: 10_000,
    full: 20_000,
    file: `${PROTOCOL}/tampering.test.ts`,
  },
  T5: {
    script: 'fuzz',
    promise: 'no nonce is used twice under a key, through any number of REKEYs',
    unit: 'packets',
    usual: 400,
    quick: 100_000,
    full: 1_000_000,
    file: `${PROTOCOL}/rekey.test.ts`,
  },
  T6: {
    script: 'fuzz',
    promise: 'REKEYs every few packets from both ends, full duplex, with any delay, lose and double nothing',
    unit: 'steps',
    usual: 1_800,
    quick: 200_000,
    full: 200_000,
    file: `${PROTOCOL}/rekey.test.ts`,
  },
  M1: {
    script: 'fuzz',
    promise: 'fragments of any kind hold no more than the limits, and what is never finished is freed',
    unit: 'fragments',
    usual: 5_000,
    quick: 500_000,
    full: 2_000_000,
    file: `${PROTOCOL}/fragments.test.ts`,
  },
  M2: {
    script: 'fuzz',
    promise: 'a flood of control packets is answered within its budget',
    unit: 'packets',
    usual: 100_000,
    quick: 100_000,
    full: 100_000,
    file: `${PROTOCOL}/control.test.ts`,
  },
  S1: {
    script: 'fuzz',
    promise: 'the time and the bytes of a refused handshake are the same whatever was wrong (Welch t below 4.5)',
    unit: 'pairs',
    usual: 300,
    quick: 6_000,
    full: 60_000,
    file: `${PROTOCOL}/refusal-times.test.ts`,
  },
  R1: {
    script: 'fuzz',
    promise: 'whoever does what when on a flow: every call settles, it ends once, nothing is rejected unhandled',
    unit: 'histories',
    usual: 150,
    quick: 10_000,
    full: 10_000,
    file: 'test/pool/flow/flow.test.ts',
  },
  P2: {
    script: 'faults',
    promise: 'reads and writes that are cancelled and timed out anywhere lose and double nothing',
    unit: 'histories',
    usual: 150,
    quick: 10_000,
    full: 10_000,
    file: 'test/pool/flow/flow.test.ts',
  },
  K1: {
    script: 'faults',
    promise: 'dialling and closing leaves no descriptor, no thread, no session and no heap behind',
    unit: 'cycles',
    usual: 200,
    quick: 2_000,
    full: 20_000,
    file: 'test/pool/cycles.test.ts',
  },
  K2: {
    script: 'faults',
    promise: 'the same through a device',
    unit: 'cycles',
    usual: 500,
    quick: 2_000,
    full: 2_000,
    file: 'test/device/cycles.test.ts',
  },
  X1: {
    script: 'faults',
    promise:
      'a system call that fails, whichever and whenever, is an error with a code or unnoticed, and the program goes on',
    unit: 'failures',
    usual: 40,
    quick: 1_000,
    full: 1_000,
    file: 'test/pool/injected-errors.test.ts',
  },
  X2: {
    script: 'faults',
    promise: 'a connection cut at any byte, in either direction, is one typed error, and nothing wrong is delivered',
    unit: 'cuts',
    usual: 100,
    quick: 1_500,
    full: 1_500,
    file: 'test/pool/cut-connection.test.ts',
  },
  B1: {
    script: 'faults',
    promise: 'a reader that pauses stops the writer, whose memory does not grow; all of it arrives once it reads on',
    unit: 'MiB',
    usual: 64,
    quick: 512,
    full: 2_048,
    file: 'test/pool/paused-reader.test.ts',
  },
  B2: {
    script: 'faults',
    promise: 'with both directions full, or one of 256 channels not read, the others move or stop as documented',
    unit: 'steps',
    usual: 1_000,
    quick: 100_000,
    full: 100_000,
    file: 'test/pool/both-full.test.ts',
  },
  B3: {
    script: 'faults',
    promise: 'a network that loses 3 packets of 100, and one of 8 Mbit/s, change, lose and end nothing',
    unit: 'MiB',
    usual: 1,
    quick: 8,
    full: 32,
    file: 'test/pool/bad-network.test.ts',
  },
  J1: {
    script: 'faults',
    promise: 'a wall clock that jumps by an hour, on or back, ends nothing and makes no deadline pass',
    unit: 'jumps',
    usual: 6,
    quick: 200,
    full: 500,
    file: 'test/pool/wall-clock.test.ts',
  },
  D1: {
    script: 'faults',
    promise: 'a peer that is killed is lost at once',
    unit: 'kills',
    usual: 5,
    quick: 100,
    full: 200,
    file: 'test/pool/lost-peer.test.ts',
  },
  D2: {
    script: 'faults',
    promise: 'a connection that is reset is a typed error at once',
    unit: 'resets',
    usual: 20,
    quick: 200,
    full: 200,
    file: 'test/pool/lost-peer.test.ts',
  },
  H1: {
    script: 'faults',
    promise: 'peers that dribble their handshake keep nobody out, and are sent away in time',
    unit: 'connections',
    usual: 100,
    quick: 1_000,
    full: 1_000,
    file: 'test/poolnode/handshake-floods.test.ts',
  },
  H3: {
    script: 'faults',
    promise: 'an address that floods a busy listener with INITs gets its ration of answers, and others theirs at once',
    unit: 'INITs',
    usual: 200,
    quick: 10_000,
    full: 60_000,
    file: 'test/poolnode/handshake-floods.test.ts',
  },
  H2: {
    script: 'faults',
    promise: 'half-open connections are bounded in number, keep nobody out, and leave nothing behind',
    unit: 'connections',
    usual: 300,
    quick: 10_000,
    full: 10_000,
    file: 'test/poolnode/half-open.test.ts',
  },
  Z1: {
    script: 'faults',
    promise:
      'REKEYs, kills, aborts and bad networks at once lose, double and change nothing, and no process holds more and more',
    unit: 'seconds',
    usual: 5,
    quick: 30,
    full: 3_600,
    file: 'test/reliability/soak/soak.test.ts',
  },
  R2: {
    script: 'faults',
    promise: '64 sessions of 256 channels echo at once, and no message goes to another channel',
    unit: 'channels',
    usual: 1_024,
    quick: 16_384,
    full: 16_384,
    file: 'test/pool/many-channels.test.ts',
  },
} as const satisfies Record<string, Row>;

export type RowId = keyof typeof PLAN;
