/** `pool-ts ping`: one handshake after the other, or the round trips of one session's heartbeats. */
import { setTimeout as delay } from 'node:timers/promises';
import { onAbort } from '../../base/abort.js';
import type { Conn, DialOptions } from '../../index.js';
import { CliError, exitCodeOf, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { repeat } from '../screen/repeat.js';
import { print, type Terminal } from '../terminal.js';
import { summaryText, Times } from './statistics.js';

export interface PingOptions {
  /** No end unless given. */
  count?: number | undefined;
  /** ms from one handshake to the next. */
  intervalMs: number;
  quiet: boolean;
  json: boolean;
  dial: DialOptions;
}

/** What it stands on; tests give their own. */
export interface PingDeps {
  dial: (address: string, options: DialOptions) => Promise<Pick<Conn, 'close' | 'remoteAddr' | 'telemetry' | 'closed'>>;
  /** ms. */
  now: () => number;
  heartbeatMs?: number;
  answerMs?: number;
}

/** ms from one heartbeat to the next (wire protocol), and to its answer at most before it is looked for. */
const HEARTBEAT_MS = 5000;
const ANSWER_MS = 500;

/** Exit codes of what another try may mend: all else ends the command at once. */
const PASSING: readonly (number | null)[] = [EXIT.FAILURE, EXIT.TEMPORARY, EXIT.PROTOCOL];

/** Dials, measures, closes. Rejects when no dial gave a session, as ping does where nobody answers. */
export async function pingHandshakes(
  terminal: Terminal,
  address: string,
  options: PingOptions,
  { dial, now }: PingDeps,
): Promise<void> {
  const { count, intervalMs } = options;
  const times = new Times();
  let tried = 0;
  const begun = now();
  await repeat({ intervalMs, stop: terminal.stop, count }, async () => {
    const start = now();
    try {
      const conn = await dial(address, { ...options.dial, signal: terminal.stop });
      const handshakeMs = now() - start;
      const [seq, peer] = [(tried += 1), conn.remoteAddr.toString()];
      times.add(handshakeMs);
      const line = `session with ${peer}: seq=${seq} handshake=${shown(handshakeMs)} ms`;
      await say(terminal, options, line, { seq, peer, handshakeMs });
      // How it ends is not what is measured.
      await conn.close().catch(() => undefined);
    } catch (error) {
      if (terminal.stop.aborted) return;
      if (!PASSING.includes(exitCodeOf(error))) throw error;
      const [seq, reason] = [(tried += 1), lineOf(error)];
      await say(terminal, options, `seq=${seq} ${reason}`, { seq, error: reason });
    }
  });
  const failed = tried - times.count;
  const share = tried === 0 ? 0 : Math.round((failed / tried) * 100);
  const counted = `${tried} dials, ${times.count} sessions, ${share}% failed, time ${Math.round(now() - begun)} ms`;
  await summarise(terminal, options, address, counted, { handshake: times });
  if (times.count === 0 && tried > 0) throw new CliError(EXIT.FAILURE, `no session with ${address} in ${tried} dials`);
}

/** Holds one session, and prints what each of its heartbeats measured. Rejects when the session ends by itself. */
export async function pingRoundTrips(
  terminal: Terminal,
  address: string,
  options: PingOptions,
  { dial, now, heartbeatMs = HEARTBEAT_MS, answerMs = ANSWER_MS }: PingDeps,
): Promise<void> {
  const times = new Times();
  const start = now();
  const conn = await dial(address, { ...options.dial, signal: terminal.stop });
  const peer = conn.remoteAddr.toString();
  const handshakeMs = now() - start;
  await say(terminal, options, `session with ${peer}: handshake=${shown(handshakeMs)} ms, then a heartbeat each 5 s`, {
    peer,
    handshakeMs,
  });
  const over = new AbortController();
  const unlisten = onAbort(terminal.stop, () => over.abort());
  void conn.closed.then(() => over.abort());
  try {
    await delay(answerMs, undefined, { signal: over.signal }).catch(() => undefined);
    await repeat({ intervalMs: heartbeatMs, stop: over.signal }, async () => {
      const { rttUs } = await conn.telemetry();
      // Nothing is measured before the first answer; the kernel module says 0 then.
      if (rttUs === null || rttUs === 0) return true;
      const seq = times.add(rttUs / 1000);
      await say(terminal, options, `heartbeat of ${peer}: seq=${seq} round-trip=${shown(rttUs / 1000)} ms`, {
        seq,
        peer,
        roundTripMs: rttUs / 1000,
      });
      return seq !== options.count;
    });
    if (over.signal.aborted && !terminal.stop.aborted) {
      throw new CliError(EXIT.FAILURE, `the session with ${peer} ended`);
    }
  } finally {
    unlisten();
    await conn.close().catch(() => undefined);
    await summarise(terminal, options, peer, `${times.count} heartbeats`, { 'round-trip': times });
  }
}

function say(terminal: Terminal, { json, quiet }: PingOptions, line: string, fields: object): Promise<void> {
  return quiet ? Promise.resolve() : print(terminal, json ? JSON.stringify(fields) : line);
}

/** ping(8)'s last lines; as JSON the figures. */
async function summarise(
  terminal: Terminal,
  { json }: PingOptions,
  peer: string,
  counted: string,
  kinds: Record<string, Times>,
): Promise<void> {
  if (json) return print(terminal, JSON.stringify({ peer, ...mapped(kinds, ({ summary }) => summary) }));
  await print(terminal, `--- ${peer} ping statistics ---\n${counted}`);
  for (const [name, times] of Object.entries(kinds)) {
    if (times.count > 0) await print(terminal, `${name} ${summaryText(times)}`);
  }
}

function mapped<T, U>(of: Record<string, T>, made: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, made(value)]));
}

const shown = (ms: number): string => ms.toFixed(3);
