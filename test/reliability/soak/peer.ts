// A process of the soak: a listener, or what dials. It does what run.ts tells it over IPC, and tells what it saw.
//   peer.ts <client|server> <settings as JSON>
import { subscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conn, Listener } from '../../../src/index.js';
import type { PoolError } from '../../../src/index.js';
import { callSite } from '../../../src/pool/call-site.js';
import { dialWith } from '../../../src/pool/dial.js';
import { connMaker } from '../../../src/pool/flow/conn-events.js';
import { listenWith } from '../../../src/pool/listen.js';
import { openSessions } from '../../../src/pool/observe/process-sessions.js';
import { createUserBackend } from '../../../src/pool/user-backend.js';
import { createPoolNode } from '../../../src/poolnode/node.js';
import { faultyProxy, type FaultyProxy } from '../../../src/testing/index.js';
import { generator } from '../../generator.js';
import { converse, type Seen, wrongEnd } from './conversation.js';
import { Delays } from './delays.js';
import { CHANNELS, type Life, lifeOf, type Side } from './life.js';
import type { Sample } from './verdict.js';

/** What all processes of a run share. */
export interface Settings {
  readonly seed: number;
  /** s between two REKEYs of a session, by the one that comes first. */
  readonly rekeySeconds: number;
  /** s until a network that swallows everything resets its connections; a peer is lost after 20 s without a sign of life. */
  readonly silentSeconds: number;
  /** This process is killed now and then. */
  readonly mortal: boolean;
  /** How many processes were killed before it in its place. */
  readonly incarnation: number;
}

/** Where a client dials, and how often at a time. */
export interface Target {
  readonly port: number;
  readonly mortal: boolean;
  /** Lives as long as the round, and short ones, at a time. */
  readonly lasting: number;
  readonly short: number;
}

export type Order =
  | { do: 'round'; ms: number; targets: Target[] }
  /** The mortal server listens elsewhere. */
  | { do: 'moved'; port: number }
  | { do: 'sample' }
  | { do: 'end' };

export type Told =
  | { is: 'ready'; port: number }
  | { is: 'life'; complete: boolean; code: string | null; wrong: string | null; rekeys: number; seen: SeenCounts }
  | { is: 'rested' }
  /** `cpu`: s of the processor since it began. */
  | { is: 'sampled'; sample: Sample; delays: number[]; cpu: number };

type SeenCounts = Omit<Seen, 'delay'>;

const [, , role, json] = process.argv as [string, string, Side, string];
const settings = JSON.parse(json) as Settings;
const tell = (told: Told): void => void process.send!(told);

const node = createPoolNode({}, { limits: { rekeyIntervalNs: BigInt(Math.round(settings.rekeySeconds * 1e9)) } });
const backend = createUserBackend(node);
const deps = { selectBackend: async () => backend, connMaker };
const options = { backend: 'user', channels: CHANNELS } as const;

let rekeys = 0;
subscribe('pool.session.rekey', () => (rekeys += 1));
let delays = new Delays();

/** One end of one life, told when it is over. */
async function live(conn: Conn, life: Life, messages: number, peaceful: boolean, middle?: () => void): Promise<void> {
  const seen: Seen = {
    messages: 0,
    bytes: 0,
    cancelled: 0,
    // What a slow network delays says nothing about this side.
    delay: (ms) => life.network === null && delays.add(ms),
  };
  const end = await converse(conn, life, role, messages, seen, middle).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const { messages: came, bytes, cancelled } = seen;
  told(end, peaceful, { messages: came, bytes, cancelled });
}

function told(end: { error: unknown } | null, peaceful: boolean, seen: SeenCounts): void {
  tell({
    is: 'life',
    complete: end === null,
    code: end === null ? null : ((end.error as PoolError).code ?? 'none'),
    wrong: end === null ? null : wrongEnd(end.error, peaceful),
    rekeys,
    seen,
  });
  rekeys = 0;
}

const NOTHING: SeenCounts = { messages: 0, bytes: 0, cancelled: 0 };

/** Its first message says which life a connection is, how long, and whether its peer may be killed. */
function hello(life: Life, messages: number): Uint8Array {
  return Buffer.from(
    JSON.stringify({ number: life.number, messages, lasting: life.seconds === Infinity, mortal: settings.mortal }),
  );
}

async function serve(conn: Conn): Promise<void> {
  try {
    const first = await conn.readMessage();
    if (first === null) return await conn.close(); // the dial was cancelled in its last moment
    const { number, messages, lasting, mortal } = JSON.parse(Buffer.from(first).toString()) as {
      number: number;
      messages: number;
      lasting: boolean;
      mortal: boolean;
    };
    const life = lifeOf(settings.seed, number, lasting);
    await live(conn, life, messages, life.end === 'close' && !mortal);
  } catch (error) {
    told({ error }, false, NOTHING);
  }
}

let port = 0;
let lives = 0;

/** The lives of a slot until the round ends, one after the other. */
async function slot(target: Target, lasting: boolean, until: number): Promise<void> {
  while (performance.now() < until) {
    lives += 1;
    const life = lifeOf(
      settings.seed,
      (settings.incarnation * 100_000 + lives) * 2 + (settings.mortal ? 1 : 0),
      lasting,
    );
    const seconds = Math.min(life.seconds, (until - performance.now()) / 1000);
    await oneLife(target, life, Math.max(1, Math.floor((seconds * 1000) / life.pace)));
  }
}

async function oneLife(target: Target, life: Life, messages: number): Promise<void> {
  const address = { host: '127.0.0.1', port: target.mortal ? port : target.port };
  let proxy: FaultyProxy | null = null;
  try {
    if (life.network !== null) proxy = await faultyProxy({ target: address, ...life.network });
    const to = proxy?.addr ?? address;
    if (life.cancelled > 0) await cancelledDial(to, life);
    const conn = await dialWith(deps, callSite(oneLife), to, options);
    await conn.writeMessage(hello(life, messages));
    await live(
      conn,
      life,
      messages,
      life.end === 'close' && !target.mortal,
      () => proxy !== null && strike(proxy, life),
    );
  } catch (error) {
    told({ error }, life.end === 'close' && !target.mortal, NOTHING);
    await sleep(200); // a server that was killed needs a while to come back
  } finally {
    await proxy?.close();
  }
}

/** A dial that is cancelled somewhere on its way, or is over before. */
async function cancelledDial(to: Parameters<typeof dialWith>[2], life: Life): Promise<void> {
  const signal = AbortSignal.timeout(Math.ceil(generator(life.number)() * 10));
  try {
    const conn = await dialWith(deps, callSite(cancelledDial), to, { ...options, signal });
    await conn.close();
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}

function strike(proxy: FaultyProxy, { end, by, offset, network }: Life): void {
  const name = by === 'client' ? 'upstream' : 'downstream';
  const at = proxy.passed[name] + offset;
  const fault = end === 'corrupt' ? { corrupt: { at } } : { [end]: at };
  if (end === 'close' || end === 'destroy') return;
  proxy.set({ ...network, [name]: { ...network?.[name], ...fault } });
  // Or until the proxy ends with its life.
  if (end === 'blackholeAt') setTimeout(() => proxy.reset(), settings.silentSeconds * 1000).unref();
}

/** Turns of 100 ms in which nothing may change any more, of 600 in all. */
const STILL_TURNS = 15;
const TURNS = 600;

async function sample(): Promise<Sample> {
  const held = () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    sessions: openSessions().size,
  });
  let before = held();
  for (let turn = 0, still = 0; turn < TURNS && still < STILL_TURNS; turn++) {
    await sleep(100);
    const now = held();
    const same = now.sessions === 0 && now.descriptors === before.descriptors && now.threads === before.threads;
    still = same ? still + 1 : 0;
    before = now;
  }
  globalThis.gc!();
  globalThis.gc!();
  return { minutes: process.uptime() / 60, heap: process.memoryUsage().heapUsed, ...before };
}

let listener: Listener | null = null;
if (role === 'server') {
  listener = await listenWith(deps, callSite(sample), '127.0.0.1:0', options);
  // What a handler throws was told already.
  void listener.serve(serve, { onError: () => undefined });
}

async function round({ ms, targets }: Extract<Order, { do: 'round' }>): Promise<void> {
  const until = performance.now() + ms;
  port = targets.find(({ mortal }) => mortal)?.port ?? 0;
  await Promise.all(
    targets.flatMap((target) =>
      [true, false].flatMap((lasting) =>
        Array.from({ length: lasting ? target.lasting : target.short }, () => slot(target, lasting, until)),
      ),
    ),
  );
  tell({ is: 'rested' });
}

process.on('message', (order: Order) => {
  if (order.do === 'round') void round(order);
  else if (order.do === 'moved') ({ port } = order);
  else if (order.do === 'sample') {
    void sample().then((taken) => {
      const { user, system } = process.cpuUsage();
      tell({ is: 'sampled', sample: taken, delays: delays.boxes, cpu: (user + system) / 1e6 });
      delays = new Delays();
    });
  } else void listener?.close();
  // From here on nothing of pool-ts may hold the process.
  if (order.do === 'end') setImmediate(() => process.disconnect());
});
// Who started it is gone: so is what it was for.
process.on('disconnect', () => listener?.unref());
tell({ is: 'ready', port: listener?.addr.port ?? 0 });
