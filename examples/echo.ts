/**
 * An echo server and an interactive client.
 *
 *   tsx examples/echo.ts --listen :9253
 *   tsx examples/echo.ts --connect 127.0.0.1:9253
 *
 * The client sends each line that it reads as one message and prints the answer. Both end on SIGINT; the client also at
 * the end of its input. Exit codes: 0 done, 1 the network said no, 2 wrong usage.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Conn, dial, listen, PoolError } from 'pool-ts';

const USAGE = 'usage: echo.ts --listen [host]:port | --connect host:port';

async function serve(address: string, stop: AbortSignal): Promise<void> {
  const listener = await listen(address, { signal: stop });
  console.log(`listening on ${listener.addr.toString()}`);
  stop.addEventListener('abort', () => void listener.close({ connections: 'close' }), { once: true });
  await listener.serve(echo);
}

async function echo(conn: Conn): Promise<void> {
  const peer = conn.remoteAddr.toString();
  console.log(`${peer} connected (${conn.backend} backend)`);
  try {
    for await (const message of conn) await conn.writeMessage(message);
    console.log(`${peer} closed`);
  } catch (error) {
    // One peer that breaks off is no reason to stop serving the others.
    console.error(`${peer}: ${reason(error)}`);
  } finally {
    await conn.close().catch(() => undefined);
  }
}

async function connect(address: string, stop: AbortSignal): Promise<void> {
  const conn = await dial(address, { signal: stop });
  console.log(`connected to ${conn.remoteAddr.toString()} (${conn.backend} backend)`);
  const lines = createInterface({ input: process.stdin, prompt: '> ', terminal: process.stdin.isTTY });
  const finish = (): void => lines.close();
  stop.addEventListener('abort', finish, { once: true });
  lines.on('SIGINT', finish); // a terminal in raw mode gives readline the ^C, and the process none
  void conn.closed.then(finish);
  try {
    lines.prompt();
    for await (const line of lines) {
      if (line === '') continue; // POOL has no empty messages
      await conn.writeMessage(line);
      const answer = await conn.readMessage({ signal: stop });
      if (answer === null) throw new PoolError('ERR_POOL_CLOSED', `the server ${address} closed the connection`);
      console.log(Buffer.from(answer).toString());
      lines.prompt();
    }
    const end = conn.state === 'open' ? undefined : await conn.closed;
    if (end?.by === 'remote') throw new PoolError('ERR_POOL_CLOSED', `the server ${address} closed the connection`);
    if (end?.error) throw end.error;
  } finally {
    finish();
    process.stdin.destroy(); // a terminal or pipe that stays open would keep the process
    await conn.close();
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function usage(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

function readArguments(): { listen?: string | undefined; connect?: string | undefined } {
  try {
    const { values } = parseArgs({ options: { listen: { type: 'string' }, connect: { type: 'string' } } });
    return values;
  } catch (error) {
    return usage(reason(error));
  }
}

const { listen: at, connect: to } = readArguments();
if ((at === undefined) === (to === undefined)) usage('give one of --listen and --connect');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  await (at === undefined ? connect(to ?? '', stop.signal) : serve(at, stop.signal));
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(reason(error));
    const badInput = error instanceof PoolError && /^ERR_(POOL_INVALID|INVALID|OUT_OF)/.test(error.code);
    process.exitCode = badInput ? 2 : 1;
  }
}
if (process.stdout.writableLength > 0) await once(process.stdout, 'drain');
