/**
 * The demonstration that `npm start` runs: a server process and a client process hold a POOL conversation on loopback.
 * This program is the client; started again with the argument `server` it is the server.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Conn, dial, type Flow, listen, type Telemetry } from 'pool-ts';

/** The first heartbeat goes out after 5 s, and only its answer tells the round trip. */
const MEASURED_WITHIN_MS = 8_000;

/** The server: takes one connection, answers on it and on its channel 5, and ends when the client closes. */
async function server(): Promise<void> {
  const listener = await listen({ host: '', port: 0 });
  process.send?.(listener.addr.port);
  const conn = await listener.accept();
  const channel = await conn.openChannel(5);
  await Promise.all([answer(conn, 'the connection'), answer(channel, 'channel 5')]);
  await conn.close();
  await listener.close();
  process.disconnect();
}

async function answer(flow: Flow, where: string): Promise<void> {
  for await (const message of flow) {
    const text = Buffer.from(message).toString();
    say('server', `got ${JSON.stringify(text)} on ${where}`);
    await flow.writeMessage(`echo of ${JSON.stringify(text)}`);
  }
}

/** The client: a few messages on the connection and on channel 5, then what the telemetry tells. */
async function client(): Promise<void> {
  subscribe('pool.backend.select', (event) => say('client', (event as { reason: string }).reason));
  const child = fork(fileURLToPath(import.meta.url), ['server']);
  try {
    const port = await portOf(child);
    const conn = await dial({ host: '127.0.0.1', port });
    say('client', `connected to ${conn.remoteAddr.toString()}, session ${conn.id}, ${conn.backend} backend`);

    await converse(conn, ['hello POOL', 'messages keep their bounds']);
    await converse(await conn.openChannel(5), ['channel 5 data']);

    const telemetry = await measured(conn);
    say('client', `RTT: ${telemetry.rttUs}µs, Loss: ${telemetry.lossPercent}%`);
    await conn.close();
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`the server ended with ${code}`);
    say('client', 'both sides closed; done');
  } finally {
    child.kill();
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${String(code)} before it listened`);
  });
  failed.catch(() => undefined);
  const [port] = (await Promise.race([once(child, 'message'), failed])) as [number];
  return port;
}

async function converse(flow: Flow, texts: string[]): Promise<void> {
  for (const text of texts) {
    await flow.writeMessage(text);
    const reply = await flow.readText();
    if (reply === null) throw new Error('the server closed too early');
    say('client', `got ${reply}`);
  }
}

/** The node says null before the first heartbeat's answer, the kernel module 0. */
function unmeasured({ rttNs }: Telemetry): boolean {
  return rttNs === null || rttNs === 0n;
}

/** Telemetry once the round trip was measured, or, on a busy machine, without it. */
async function measured(conn: Conn): Promise<Telemetry> {
  let telemetry = await conn.telemetry();
  if (unmeasured(telemetry)) say('client', 'waiting for the first heartbeat, which measures the round trip (5 s) …');
  const until = Date.now() + MEASURED_WITHIN_MS;
  while (unmeasured(telemetry) && Date.now() < until) {
    await delay(100);
    telemetry = await conn.telemetry();
  }
  return telemetry;
}

function say(who: 'server' | 'client', text: string): void {
  console.log(`${who}: ${text}`);
}

try {
  await (process.argv[2] === 'server' ? server() : client());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}
