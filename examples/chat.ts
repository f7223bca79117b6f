/**
 * A chat: one server, many clients, each session with two flows.
 *
 *   tsx examples/chat.ts --listen :9253
 *   tsx examples/chat.ts --connect 127.0.0.1:9253 --name Ada
 *
 * What is said goes over the connection itself (channel 0), who comes and goes over channel 1, so that a long text does
 * not hold up the news of who is there. Each line of input is one message. Ends on SIGINT, the client also on ^D.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Conn, dial, type Flow, listen } from 'pool-ts';

const PRESENCE = 1;

/** Bytes that may wait for a client. Whoever reads slower than the others write is let go, and not waited for. */
const OUTBOX_BYTES = 1 << 20;

/** Sends in the background: a client that does not read stops its own outbox, and nobody else's. */
class Outbox {
  #waiting: { flow: Flow; message: Uint8Array }[] = [];
  #bytes = 0;
  #sending = false;
  constructor(readonly conn: Conn) {}

  put(flow: Flow, message: Uint8Array): void {
    this.#bytes += message.length;
    if (this.#bytes > OUTBOX_BYTES) return this.conn.destroy();
    this.#waiting.push({ flow, message });
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        await next.flow.write(next.message); // cuts what has become too long with the name before it
        this.#bytes -= next.message.length;
      }
    } catch {
      // It went away: its own loop of reading tells.
    }
    this.#sending = false;
  }
}

/** What strangers send may hold anything, escape sequences for the terminal included. */
const printable = (message: Uint8Array): string =>
  Buffer.from(message)
    .toString()
    .replaceAll(/\p{Cc}/gu, '?');

async function serve(address: string, stop: AbortSignal): Promise<void> {
  // Named here, channel 1 is open before the first message of a client can come.
  const listener = await listen(address, { channels: [PRESENCE], signal: stop });
  console.log(`listening on ${listener.addr.toString()}`);
  stop.addEventListener('abort', () => void listener.close({ connections: 'close' }), { once: true });

  const clients = new Map<Outbox, { name: string; presence: Flow }>();
  const announce = (text: string): void => {
    console.log(text);
    for (const [outbox, { presence }] of clients) outbox.put(presence, Buffer.from(text));
  };

  await listener.serve(async (conn) => {
    const presence = await conn.openChannel(PRESENCE);
    const hello = await presence.readMessage(); // the first thing that a client says is its name
    if (hello === null) return;
    const name = printable(hello).slice(0, 20);
    const me = new Outbox(conn);
    clients.set(me, { name, presence });
    announce(`* ${name} is here (${clients.size})`);
    try {
      for await (const message of conn) {
        const line = Buffer.concat([Buffer.from(`${name}: `), message]);
        for (const outbox of clients.keys()) if (outbox !== me) outbox.put(outbox.conn, line);
      }
    } catch {
      // Lost, or let go: for the others that is the same as leaving.
    } finally {
      clients.delete(me);
      announce(`* ${name} has left (${clients.size})`);
    }
  });
}

async function connect(address: string, name: string, stop: AbortSignal): Promise<void> {
  const conn = await dial(address, { channels: [PRESENCE], signal: stop });
  const presence = await conn.openChannel(PRESENCE);
  await presence.writeMessage(name);
  const show = async (flow: Flow): Promise<void> => {
    for await (const message of flow) console.log(printable(message));
  };
  const shown = Promise.all([show(conn), show(presence)]);
  const lines = createInterface({ input: process.stdin });
  const finish = (): void => lines.close();
  stop.addEventListener('abort', finish, { once: true });
  void conn.closed.then(finish);
  for await (const line of lines) if (line !== '') await conn.writeMessage(line);
  process.stdin.destroy(); // a terminal that stays open would keep the process
  await conn.close();
  await shown;
  const { by, error } = await conn.closed;
  if (by !== 'local') throw error ?? new Error('the server closed the connection');
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const { values } = parseArgs({
    options: { listen: { type: 'string' }, connect: { type: 'string' }, name: { type: 'string', default: 'somebody' } },
  });
  if (values.listen !== undefined) await serve(values.listen, stop.signal);
  else if (values.connect !== undefined) await connect(values.connect, values.name, stop.signal);
  else throw new Error('usage: chat.ts --listen [host]:port | --connect host:port --name NAME');
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
