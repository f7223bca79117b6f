/**
 * Sends one file, with progress, and checks that it arrived.
 *
 *   tsx examples/filetransfer.ts --listen :9253 --out copy.bin
 *   tsx examples/filetransfer.ts --connect 127.0.0.1:9253 --in original.bin
 *
 * The sender says how long the file is, sends its bytes, and waits for the receiver's digest: what a `close` promises is
 * that the bytes reached the other node, not that the other program has stored them. For folders full of files, resuming
 * and more, there is `pool-ts send` and `pool-ts receive`.
 */
import { createHash } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Conn, dial, listen, MAX_PORTABLE_MESSAGE } from 'pool-ts';

const USAGE = 'usage: filetransfer.ts --listen [host]:port --out file | --connect host:port --in file';

/** Bytes that may be under way: a kernel module queues without bound, so the two programs agree on one. */
const WINDOW = 4 * 1024 * 1024;

async function send(address: string, path: string): Promise<void> {
  const file = await open(path);
  const { size } = await file.stat();
  const conn = await dial(address);
  const hash = createHash('sha256');
  await conn.writeMessage(JSON.stringify({ size }));

  let [sent, confirmed] = [0, 0];
  while (confirmed < size) {
    // The receiver answers with how much it has written.
    if (sent === size || sent - confirmed > WINDOW) {
      confirmed = (await answer(conn)).received ?? size;
      progress('sent', confirmed, size);
      continue;
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_PORTABLE_MESSAGE), { position: sent });
    if (bytesRead === 0) throw new Error(`${path} became shorter while it was sent`);
    const data = buffer.subarray(0, Math.min(bytesRead, size - sent));
    hash.update(data);
    await conn.writeMessage(data);
    sent += data.length;
  }

  const digest = hash.digest('hex');
  const { sha256 } = await answer(conn);
  if (sha256 !== digest) throw new Error(`the receiver stored something else: ${sha256}, not ${digest}`);
  await conn.close();
  await file.close();
  console.log(`sent ${size} bytes, sha256 ${digest}`);
}

async function receive(address: string, path: string): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw new Error(`${path} is a folder: name the file to write`);
  const listener = await listen(address);
  console.log(`listening on ${listener.addr.toString()}`);
  const conn = await listener.accept();
  await listener.close({ connections: 'keep' });
  const { size } = await answer(conn);
  if (size === undefined || !Number.isSafeInteger(size) || size < 0)
    throw new Error('the sender did not say how long the file is');

  // Half a file never has the name of a whole one.
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    const hash = createHash('sha256');
    for (let received = 0; received < size; ) {
      const data = await conn.readMessage();
      if (data === null) throw new Error(`the sender closed after ${received} of ${size} bytes`);
      received += data.length;
      if (received > size) throw new Error(`the sender sent more than ${size} bytes`);
      hash.update(data);
      await file.writeFile(data);
      await conn.writeMessage(JSON.stringify({ received }));
      progress('received', received, size);
    }
    await file.sync();
    await rename(part, path);
    const sha256 = hash.digest('hex');
    await conn.writeMessage(JSON.stringify({ sha256 }));
    console.log(`received ${size} bytes, sha256 ${sha256}`);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await conn.readMessage(); // null: the sender has read the digest and closed
  await conn.close();
}

/** A message of the other side that is JSON. */
async function answer(conn: Conn): Promise<{ size?: number; received?: number; sha256?: string }> {
  const message = await conn.readText();
  if (message === null) throw new Error('the other side closed the connection before it was done');
  return JSON.parse(message) as { size?: number; received?: number; sha256?: string };
}

/** One line that is written over and over on a terminal. */
function progress(what: string, done: number, size: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${what} ${done} of ${size} bytes${done === size ? '\n' : ''}`);
}

try {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({ options: { listen: string, out: string, connect: string, in: string } });
  if (values.listen !== undefined && values.out !== undefined) await receive(values.listen, values.out);
  else if (values.connect !== undefined && values.in !== undefined) await send(values.connect, values.in);
  else throw new Error(USAGE);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1); // with sessions that are still open: the other side sees them break
}
