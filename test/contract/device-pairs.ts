/** The contract of a Conn through device files: each pair of backends, with either end as the one that acts. */
import { statSync } from 'node:fs';
import { describe, it } from 'vitest';
import { type Conn, dial, type Listener, type CommonOptions, type ListenOptions, listen } from '../../src/index.js';
import { type ConnPair, testConn } from '../../src/testing/index.js';
import { duplexCases } from './duplex-cases.js';
import { timeFactor } from '../../features/support/expectations.js';
import { note } from '../require.js';
import { type Behaviour } from '../../src/testing/module-differences.js';

/** ms for a check: megabytes go through up to three processes, of which a busy machine gives each a tenth of a core. */
const CASE_MS = 60_000;

/** The device files, known when the tests run. */
export interface Devices {
  /** What the kernel end opens. */
  one: () => string;
  /** What a second kernel end opens; without it there is none. */
  other?: () => string;
}

/**
 * pool.h has no end without CLOSE (docs/kernel-contract.md, section 5): a module can't be the end that vanishes, or that
 * gives up on a peer which holds it up.
 */
const NEEDS_AN_END_WITHOUT_CLOSE = new Set([
  'a peer that vanishes is an error, after what is queued',
  'destroy ends pending calls, and tells its reason',
  'a close that the peer holds up times out and destroys',
  'a loop throws when the peer is lost',
  'a channel fails with its session',
]);

/** Difference (f): a peer on a module takes all that it is sent, so nobody who sends to it can be held back. */
const NEEDS_A_PEER_THAT_HOLDS_BACK = new Set([
  'a writer waits for a peer that does not read, and loses nothing',
  'a cancelled writeMessage has not been sent, and any other has',
  'a write that stops between messages says how much went out',
]);

/** Every `of`th test of them all, from the `number`th on. */
export interface Part {
  number: number;
  of: number;
}

/** Reads `2/12`; all is `1/1`. Throws for anything else. */
export function parsePart(text: string | undefined): Part {
  const [, number, of] = /^(\d+)\/(\d+)$/.exec(text || '1/1')?.map(Number) ?? [];
  if (number === undefined || of === undefined || number < 1 || number > of) {
    throw new Error(`POOL_CONTRACT_PART is a part such as 2/12, not ${JSON.stringify(text)}`);
  }
  return { number, of };
}

/** Defines the tests. `module`: the device has no end without CLOSE. `holdsBack`: who sends to a session that is not read. */
export function contractThrough(
  devices: Devices,
  behaviour: Behaviour,
  { module = false, holdsBack = true, part = parsePart(undefined) } = {},
): void {
  if (module) note('ends without CLOSE: left out where a device has none, as the kernel module');
  if (!holdsBack) note('writers who are held back: left out where the peer is on a device that takes all it is sent');
  const user = (): ListenOptions => ({ backend: 'user' });
  const kernel = (path: () => string) => (): ListenOptions => ({ backend: 'kernel', device: path() });
  const one = kernel(devices.one);
  const pairs: [name: string, dialler: () => ListenOptions, listener: () => ListenOptions][] = [
    ['kernel to user', one, user],
    ['user to kernel', user, one],
    ['kernel to kernel on one device', one, one],
  ];
  if (devices.other !== undefined) pairs.push(['kernel to kernel over two devices', one, kernel(devices.other)]);

  let count = 0;
  const define = (name: string, run: () => Promise<void>, skip: boolean): void => {
    count += 1;
    if (count % part.of === part.number % part.of) it.skipIf(skip)(name, { timeout: 2 * timeout }, run);
  };
  const timeout = CASE_MS * timeFactor();
  const options = {
    timeout,
    lossyClose: behaviour.queuedAtClose !== 'kept',
    knownAddresses: behaviour.acceptedRemote === 'known' && behaviour.localAddress === 'known',
  };
  const leavesOut = (name: string, peer: () => ListenOptions): boolean =>
    (module && NEEDS_AN_END_WITHOUT_CLOSE.has(name)) ||
    (!holdsBack && peer().backend === 'kernel' && NEEDS_A_PEER_THAT_HOLDS_BACK.has(name));
  describe.each(pairs)('%s', (_, dialler, listener) => {
    for (const roles of ['dialled to accepted', 'accepted to dialled']) {
      describe(roles, () => {
        const makePipe = () => connect(dialler(), listener(), roles === 'accepted to dialled');
        const peer = roles === 'accepted to dialled' ? dialler : listener;
        for (const { name, run } of testConn(makePipe, options)) define(name, run, leavesOut(name, peer));
      });
    }
    describe('through toDuplex()', () => {
      for (const { name, run } of duplexCases(() => connect(dialler(), listener(), false), options)) {
        define(name, run, leavesOut(name.replace(/^\w+: /, ''), listener));
      }
    });
  });
}

/** Each LISTEN leaves a thread in the module (docs/kernel-contract.md, section 2): one for the whole run. */
let kept: Promise<Listener> | null = null;

/** Ends the listener that was kept, if there is one. */
export async function closeKept(): Promise<void> {
  await (await kept)?.close();
  kept = null;
}

async function connect(dialler: CommonOptions, listener: ListenOptions, swap: boolean): Promise<ConnPair> {
  const host = listener.backend === 'user' ? '127.0.0.1' : '';
  const open = () => listen({ host, port: 0 }, listener);
  const keeps = listener.device !== undefined && statSync(listener.device).isCharacterDevice();
  const opened = await (keeps ? (kept ??= open()) : open());
  const target = { host: '127.0.0.1', port: opened.addr.port };
  // Not beside the dial: one listener that serves the whole run may still hold what an earlier test has left.
  const dialled = await dial(target, dialler);
  const accepted = await acceptEndOf(dialled, opened);
  const stop = async (): Promise<void> => {
    await Promise.all([ended(dialled), ended(accepted)]);
    if (!keeps) await opened.close();
  };
  return swap ? { c1: accepted, c2: dialled, stop } : { c1: dialled, c2: accepted, stop };
}

/** The other end of a Conn. */
async function acceptEndOf(dialled: Conn, listener: Listener): Promise<Conn> {
  for (;;) {
    const accepted = await listener.accept();
    if (accepted.id === dialled.id) return accepted;
    accepted.destroy();
  }
}

/** Gives the slot back as well, which a destroyed Conn does in the background. */
async function ended(conn: Conn): Promise<void> {
  conn.destroy();
  await conn.close().catch(() => {});
}
