/**
 * How sessions are doing: round trip, jitter, loss and rates, a line for each look.
 *
 *   tsx examples/telemetry.ts --listen :9253 --interval 5
 *   tsx examples/telemetry.ts --connect 127.0.0.1:9253
 *
 * The server looks at every session that it has, the client at its own. The first heartbeat, 5 s after a session began,
 * measures the round trip; until then it is unknown. Both end on SIGINT. Exit codes: 0 done, 1 the network said no or the
 * server closed, 2 wrong usage.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Conn, dial, listen } from 'pool-ts';

const USAGE = 'usage: telemetry.ts --listen [host]:port | --connect host:port [--interval seconds]';

/** Prints a line every `interval` ms, until the session ends or `stop` aborts. */
async function watch(conn: Conn, interval: number, stop: AbortSignal): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  stop.addEventListener('abort', end, { once: true });
  void conn.closed.then(end);
  let before = { at: performance.now(), sent: 0n, received: 0n };
  while (!over.signal.aborted) {
    // The session may end while it is asked: then there is no line.
    const info = await conn.info().catch(() => null);
    if (info === null) break;
    const { telemetry, bytesSent: sent, bytesRecv: received } = info;
    const at = performance.now();
    const rate = (bytes: bigint): string => `${Math.round((Number(bytes) * 1000) / (at - before.at))} B/s`;
    // Null before it was measured, or 0 of the kernel module.
    const measured = Boolean(telemetry.rttNs);
    console.log(
      `${conn.remoteAddr.toString()}: RTT ${measured ? `${telemetry.rttUs} µs` : 'unknown'}, ` +
        `jitter ${measured ? `${telemetry.jitterUs} µs` : 'unknown'}, loss ${telemetry.lossPercent} %, ` +
        `out ${rate(sent - before.sent)}, in ${rate(received - before.received)}, queue ${telemetry.queueDepth}`,
    );
    before = { at, sent, received };
    await delay(interval, undefined, { signal: over.signal }).catch(() => undefined);
  }
}

/** Reads what comes and drops it: unread, it would stop the session when the queue is full. */
async function drain(conn: Conn): Promise<void> {
  for await (const message of conn) void message;
}

async function serve(address: string, interval: number, stop: AbortSignal): Promise<void> {
  const listener = await listen(address, { signal: stop });
  console.log(`listening on ${listener.addr.toString()}`);
  stop.addEventListener('abort', () => void listener.close({ connections: 'close' }), { once: true });
  await listener.serve(async (conn) => {
    const watching = watch(conn, interval, stop);
    await drain(conn).catch((error: unknown) => console.error(reason(error)));
    await watching;
    await conn.close().catch(() => undefined);
    console.log(`${conn.remoteAddr.toString()}: closed`);
  });
}

async function connect(address: string, interval: number, stop: AbortSignal): Promise<void> {
  const conn = await dial(address, { signal: stop });
  console.log(`connected to ${conn.remoteAddr.toString()} (${conn.backend} backend)`);
  const draining = drain(conn);
  draining.catch(() => undefined); // told below, by `closed`
  await watch(conn, interval, stop);
  await conn.close().catch(() => undefined);
  const { by, error } = await conn.closed;
  if (error !== undefined) throw error;
  if (by === 'remote') throw new Error(`the server ${address} closed the session`);
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function usage(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

function readArguments(): { listen?: string; connect?: string; interval: string } {
  const string = 'string' as const;
  const options = { listen: { type: string }, connect: { type: string }, interval: { type: string, default: '1' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return usage(reason(error));
  }
}

const { listen: at, connect: to, interval } = readArguments();
if ((at === undefined) === (to === undefined)) usage('give one of --listen and --connect');
const seconds = Number(interval);
if (!(seconds >= 0.01 && seconds <= 86_400)) usage(`--interval is seconds, from 0.01 to 86400, not ${interval}`);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  await (at === undefined ? connect(to ?? '', seconds * 1000, stop.signal) : serve(at, seconds * 1000, stop.signal));
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(reason(error));
    process.exitCode = /^ERR_(POOL_INVALID|INVALID|OUT_OF)/.test((error as { code?: string }).code ?? '') ? 2 : 1;
  }
}
