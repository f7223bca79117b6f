/**
 * Who is it? A listener and a dialler that prove themselves to each other by keys, as ssh does, and a stranger who is refused.
 *
 *   npx pool-ts keygen server
 *   npx pool-ts keygen client
 *   tsx examples/authenticated.ts --listen :9253 --identity server --peers client.pub
 *   tsx examples/authenticated.ts --connect 127.0.0.1:9253 --identity client --peers server.pub
 *
 * Whoever dials is greeted by the comment behind its key in the listener's own file. Without arguments both sides run in this
 * process, with keys that are made for it. Exit codes: 0 done, 1 the network or the peer said no, 2 wrong usage.
 */
import { parseArgs } from 'node:util';
import { type Conn, dial, type DialOptions, generateIdentity, listen, type Listener, PoolError } from 'pool-ts';

const USAGE = 'usage: authenticated.ts [--listen [host]:port | --connect host:port --identity FILE --peers FILE]';

/** The kernel module has no proofs: where there is a device, the node in user space is asked for. */
const backend = 'user';

function whoIs({ peer }: Conn): string {
  if (peer?.method !== 'key') return 'a stranger';
  return `${peer.comment ?? 'somebody without a name'} (${peer.fingerprint})`;
}

/** Greets each that may come. Those that may not are never seen here: `pool.peer.refused` tells of them. */
function greetAll(listener: Listener): Promise<void> {
  return listener.serve(async (conn) => {
    console.log(`${whoIs(conn)} came`);
    await conn.writeMessage(`hello, ${whoIs(conn)}`);
    await conn.closed;
  });
}

async function visit(address: string, options: DialOptions): Promise<void> {
  const conn = await dial(address, { backend, ...options });
  const greeting = await conn.readMessage();
  console.log(`${whoIs(conn)} says: ${Buffer.from(greeting ?? []).toString()}`);
  await conn.close();
}

async function bothSides(): Promise<void> {
  const [server, ann, stranger] = ['server', 'ann', 'stranger'].map((comment) => generateIdentity({ comment }));
  const listener = await listen('127.0.0.1:0', { backend, identity: server!.privateKey, peers: [ann!.line] });
  const served = greetAll(listener);
  const address = listener.addr.toString();
  await visit(address, { identity: ann!.privateKey, peers: [server!.line] });
  try {
    await visit(address, { identity: stranger!.privateKey, peers: [server!.line] });
  } catch (error) {
    console.log(`the stranger got ${(error as PoolError).code}`);
  }
  await listener.close({ connections: 'close' });
  await served;
}

function usage(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { listen: text, connect: text, identity: text, peers: text } }).values;
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const { listen: at, connect: to, identity, peers } = readArguments();
try {
  if (at === undefined && to === undefined) await bothSides();
  else if (at !== undefined && to !== undefined) usage('give one of --listen and --connect');
  else if (identity === undefined || peers === undefined) usage('give --identity and --peers');
  else {
    const proofs = { identity: { file: identity }, peers: { file: peers } };
    if (to !== undefined) await visit(to, proofs);
    else {
      const listener = await listen(at, { backend, ...proofs });
      console.log(`listening on ${listener.addr.toString()}`);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => void listener.close({ connections: 'close' }));
      }
      await greetAll(listener);
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  const badInput = error instanceof PoolError && /^ERR_(POOL_INVALID|INVALID|OUT_OF)/.test(error.code);
  process.exitCode = badInput ? 2 : 1;
}
