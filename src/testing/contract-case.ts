/** The frame of the contract's checks: a pair of Conns for each, a time limit, and the questions that many ask. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { PoolError } from '../base/errors.js';
import type { Conn } from '../pool/flow/conn.js';
import type { Flow } from '../pool/flow/flow.js';
import { orLate, setImmediate, setTimeout } from '../base/timers.js';

/** Two Conns that are each other's peer. */
export interface ConnPair {
  c1: Conn;
  c2: Conn;
  /** Ends both and all that was started for them. */
  stop: () => Promise<void>;
}

/** Makes a pair for each check. */
export type MakePipe = () => Promise<ConnPair>;

/** A check of the contract, for any test runner. */
export interface ConnCase {
  name: string;
  /** Rejects with what is wrong. */
  run: () => Promise<void>;
}

/** What a backend may do otherwise: only the device of a kernel module does (docs/kernel-contract.md). */
export interface ConnContractOptions {
  /** What was not received when the peer closed may be lost. Default false. */
  lossyClose?: boolean;
  /** Addresses of both ends are known. Default true. */
  knownAddresses?: boolean;
  /** ms after which a check that hangs fails; default 30000. */
  timeout?: number;
}

/**
 * Bytes that no path takes unless its end is read. The flows and a device hold some megabytes; the sockets between them
 * hold up to the system's bounds, of which Linux has 4 MB for what was sent and, for a reader that was fast before, 32 MB
 * (net.ipv4.tcp_wmem, net.ipv4.tcp_rmem).
 */
const MORE_THAN_PATHS_HOLD = 1 << 27;

/** One check: gets a fresh pair. */
export type Check = (pair: ConnPair, options: Required<ConnContractOptions>) => Promise<void>;

export const AN_HOUR_MS = 3_600_000;
export const LONG_AGO = new Date(1);

/** Names a table of checks' rows as cases. */
export function toCases(
  checks: Readonly<Record<string, Check>>,
  makePipe: MakePipe,
  options: Required<ConnContractOptions>,
): ConnCase[] {
  return Object.entries(checks).map(([name, check]) => ({ name, run: () => runCheck(name, check, makePipe, options) }));
}

const LATE = Symbol('late');

async function runCheck(
  name: string,
  check: Check,
  makePipe: MakePipe,
  options: Required<ConnContractOptions>,
): Promise<void> {
  const pair = await makePipe();
  try {
    const late = await orLate(options.timeout, check(pair, options), LATE);
    if (late === LATE) throw new Error(`${name}: not done within ${options.timeout} ms`);
  } finally {
    await pair.stop();
  }
}

/**
 * For what is awaited later: when the check fails before that, its failure is the one that counts, and this is no
 * unhandled rejection beside it.
 */
export function meanwhile<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** The promise rejects with a PoolError of this code, which is returned. */
export async function rejects(promise: Promise<unknown>, code: string): Promise<PoolError> {
  const error = await promise.then(
    (value) => assert.fail(`expected ${code}, and it fulfilled with ${typeof value}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PoolError, `expected a PoolError ${code}, not ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

export async function timesOut(promise: Promise<unknown>): Promise<PoolError> {
  const error = await rejects(promise, 'ERR_POOL_TIMEOUT');
  assert.equal(error.timeout, true);
  return error;
}

/** The promise rejects with the reason itself, and the signal is left without listeners. */
export async function cancels(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const error: unknown = await promise.then(
    () => assert.fail('expected the reason of the signal'),
    (reason: unknown) => reason,
  );
  assert.equal(error, signal.reason);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
}

/** One turn of the event loop, in which timers and sockets get their say. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves once `condition` holds: for what one end can see only some turns after the other did it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}

/** `size` bytes that tell their place: a lost, doubled or misplaced one shows. */
export function pattern(size: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff;
  return bytes;
}

/** Zeroes that a peer which does not read keeps on the writer's side; memory of the machine only as far as it is touched. */
export function endless(): Uint8Array {
  return new Uint8Array(MORE_THAN_PATHS_HOLD);
}

/** `endless` as messages of `size` bytes, each of which begins with its number. */
export function endlessMessages(size: number): Uint8Array[] {
  const all = Buffer.from(endless().buffer);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const message = all.subarray(i * size, (i + 1) * size);
    if (message.length >= 4) message.writeUInt32BE(i);
    return message;
  });
}

export function text(data: Uint8Array | null): string | null {
  return data === null ? null : Buffer.from(data).toString();
}

export async function readText(flow: Flow): Promise<string | null> {
  return text(await flow.readMessage());
}

/** Reads exactly `size` bytes, across messages. */
export async function readBytes(flow: Flow, size: number): Promise<Uint8Array> {
  const all = new Uint8Array(size);
  for (let have = 0; have < size; ) {
    const count = await flow.read(all.subarray(have));
    assert.ok(count !== null, `the end came after ${have} of ${size} bytes`);
    have += count;
  }
  return all;
}

/** Reads and drops until the flow ends, one way or another. Never rejects. */
export async function discard(flow: Flow): Promise<void> {
  try {
    while ((await flow.readMessages()) !== null);
  } catch {
    // The check that started this ends it by closing.
  }
}

/** Loops over a flow's messages until the loop ends by itself, and counts them. */
export async function loop(flow: Flow): Promise<number> {
  let count = 0;
  for await (const message of flow) count += Math.min(message.length, 1);
  return count;
}

/** Sends back what comes until the flow ends. Never rejects. */
export async function echo(flow: Flow): Promise<void> {
  try {
    for (;;) {
      const messages = await flow.readMessages();
      if (messages === null) return;
      await flow.writeMessages(messages);
    }
  } catch {
    // As above.
  }
}
