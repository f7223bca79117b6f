/**
 * TCP programs over POOL: a bridge at each end.
 *
 *   tsx examples/bridge.ts pool2tcp :9253 127.0.0.1:80          # where the web server is
 *   tsx examples/bridge.ts tcp2pool 127.0.0.1:8080 server:9253  # where curl http://127.0.0.1:8080/ is run
 *
 * POOL has no half close, so a TCP FIN can't be passed on: the session stays open until its peer closes it, or is silent
 * for 10 s. `pool-ts bridge` does the same with limits, a status line and a graceful end. Ends on SIGINT.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Conn, dial, listen, PoolError, resolve } from 'pool-ts';

const SILENCE_MS = 10_000;

/** Settles when both are closed. Awaiting each write is the backpressure. */
async function join(socket: Socket, conn: Conn): Promise<void> {
  let fin = false;
  const expectEnd = (): void => {
    if (fin && conn.state === 'open') conn.setReadDeadline(Date.now() + SILENCE_MS);
  };
  const tcpToPool = async (): Promise<void> => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await conn.write(chunk as Buffer);
    fin = true;
    expectEnd();
  };
  const poolToTcp = async (): Promise<void> => {
    for (;;) {
      expectEnd();
      const message = await conn.readMessage().catch((error: unknown) => {
        if (fin && error instanceof PoolError && error.timeout) return null;
        throw error;
      });
      if (message === null) break;
      if (!socket.write(message)) await once(socket, 'drain');
    }
    await conn.close();
    socket.end();
  };
  // A socket that fails destroys the session, and a session that fails resets the socket: neither looks like an end.
  tcpToPool().catch((error: unknown) => {
    if (error instanceof PoolError)
      socket.resume(); // the session is over, as its reader is told behind what came: drop the rest
    else conn.destroy(error as Error);
  });
  await poolToTcp().catch((error: unknown) => {
    conn.destroy();
    socket.resetAndDestroy();
    throw error;
  });
}

/** A socket that stays open for writing when the other side has ended. */
const HALF_OPEN = { allowHalfOpen: true };

async function tcp2pool(at: string, destination: string): Promise<void> {
  await resolve(destination); // a name that nobody has is told now, and not to each connection
  const server = createServer(HALF_OPEN, (socket) => {
    socket.on('error', () => undefined); // told by what is done with the socket
    dial(destination)
      .then((conn) => join(socket, conn))
      .catch((error: unknown) => {
        socket.resetAndDestroy(); // a destination that can't be reached is no clean end
        complain(error);
      });
  });
  server.listen(tcpAddress(at));
  await once(server, 'listening');
  const { address, port } = server.address() as { address: string; port: number };
  console.log(`listening on ${address}:${port}`);
}

async function pool2tcp(at: string, destination: string): Promise<void> {
  const to = { ...tcpAddress(destination), ...HALF_OPEN };
  const listener = await listen(at);
  console.log(`listening on ${listener.addr.toString()}`);
  const onError = (error: unknown): void => complain(error);
  await listener.serve(
    async (conn) => {
      const socket = connect(to);
      await once(socket, 'connect'); // serve destroys the session where this rejects
      socket.on('error', () => undefined);
      await join(socket, conn);
    },
    { onError },
  );
}

function tcpAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^(.*):(\d+)$/.exec(text) ?? usage();
  return { host: host === '' ? '127.0.0.1' : host!, port: Number(port) };
}

function complain(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error));
}

function usage(): never {
  console.error('usage: bridge.ts tcp2pool|pool2tcp LISTEN DESTINATION, each as host:port');
  process.exit(2);
}

const directions = { tcp2pool, pool2tcp };
const [direction = '', at, destination] = process.argv.slice(2);
if (!Object.hasOwn(directions, direction) || at === undefined || destination === undefined) usage();
// What is under way breaks off with the process, and looks like it: no session gets a CLOSE.
process.once('SIGINT', () => process.exit(0));
await directions[direction as keyof typeof directions](at, destination).catch((error: unknown) => {
  complain(error);
  process.exit(1);
});
