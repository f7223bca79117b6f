/**
 * The server's half of SOCKS 5 (RFC 1928), as far as the bridge has it: CONNECT, without logging in. Addresses are POOL's; names
 * go to the resolver of this machine.
 */
import type { Socket } from 'node:net';
import { onAbort } from '../../base/abort.js';
import { orLate } from '../../base/timers.js';
import { ipFromBytes, ipToBytes } from '../../base/ip.js';

const VERSION = 5;
const NO_LOGIN = 0;
const NO_METHOD = 0xff;
const CONNECT = 1;
const TYPE = { IPV4: 1, NAME: 3, IPV6: 4 } as const;

/** The codes of RFC 1928, section 6. */
export const REPLY = {
  DONE: 0,
  FAILURE: 1,
  NOT_ALLOWED: 2,
  NETWORK_UNREACHABLE: 3,
  HOST_UNREACHABLE: 4,
  REFUSED: 5,
  NO_SUCH_COMMAND: 7,
  NO_SUCH_ADDRESS: 8,
} as const;
export type Reply = (typeof REPLY)[keyof typeof REPLY];

const REPLY_OF_CODE: Readonly<Record<string, Reply>> = {
  ERR_POOL_AUTH_FAILED: REPLY.NOT_ALLOWED,
  ERR_POOL_NET_UNREACHABLE: REPLY.NETWORK_UNREACHABLE,
  ENETUNREACH: REPLY.NETWORK_UNREACHABLE,
  EHOSTUNREACH: REPLY.HOST_UNREACHABLE,
  ENOTFOUND: REPLY.HOST_UNREACHABLE,
  EAI_AGAIN: REPLY.HOST_UNREACHABLE,
  ETIMEDOUT: REPLY.HOST_UNREACHABLE,
  ERR_POOL_TIMEOUT: REPLY.HOST_UNREACHABLE,
  ECONNREFUSED: REPLY.REFUSED,
};

const EVENTS = ['readable', 'end', 'close'] as const;

/** ms that a client has to take the word that nothing comes of it, and to close. */
const LAST_WORD_MS = 1000;

/** What a client asks for. */
export interface Destination {
  host: string;
  port: number;
}

/** How a failed dial is told to the client. */
export function replyTo(error: unknown): Reply {
  return REPLY_OF_CODE[String((error as { code?: unknown } | null)?.code)] ?? REPLY.FAILURE;
}

/**
 * Reads what the client asks for, byte by byte as far as its request goes: what it sends behind that stays in the socket.
 * @throws (rejects) for a client that speaks something else, asks for something else, or goes; it has been told. The signal's reason.
 */
export async function readRequest(socket: Socket, signal: AbortSignal): Promise<Destination> {
  const reader = new ExactReader(socket);
  try {
    return await readWith((length) => reader.take(length, signal), socket);
  } finally {
    reader.release();
  }
}

/** Gives the next so many bytes. */
type Take = (length: number) => Promise<Buffer>;

async function readWith(take: Take, socket: Socket): Promise<Destination> {
  const [version, methods] = await take(2);
  if (version !== VERSION)
    throw new Error(`it speaks ${version === 4 ? 'SOCKS 4' : 'something else'}, and not SOCKS 5`);
  if (!(await take(methods!)).includes(NO_LOGIN)) {
    await lastWord(socket, Uint8Array.of(VERSION, NO_METHOD));
    throw new Error('it wants to log in, and the bridge asks for no name and password');
  }
  socket.write(Uint8Array.of(VERSION, NO_LOGIN));
  const [again, command, , type] = await take(4);
  if (again !== VERSION) return refuse(socket, REPLY.FAILURE, 'its request is not one of SOCKS 5');
  const host = await readHost(take, type!);
  if (host === null) return refuse(socket, REPLY.NO_SUCH_ADDRESS, `it names an address of type ${type}`);
  const port = (await take(2)).readUInt16BE();
  if (command !== CONNECT) return refuse(socket, REPLY.NO_SUCH_COMMAND, `it gives command ${command}, not CONNECT`);
  if (port === 0 || host === '')
    return refuse(socket, REPLY.FAILURE, `it asks for ${host === '' ? 'no host' : 'port 0'}`);
  return { host, port };
}

/** Tells the client that it is connected, from `local`. */
export function accept(socket: Socket, local: { address: string; port: number }): void {
  socket.write(replyBytes(REPLY.DONE, local));
}

/** Tells the client that nothing comes of it, and ends the connection. Never rejects. */
export async function replyFailure(socket: Socket, reply: Reply): Promise<void> {
  await lastWord(socket, replyBytes(reply, { address: '0.0.0.0', port: 0 }));
}

async function refuse(socket: Socket, reply: Reply, why: string): Promise<never> {
  await replyFailure(socket, reply);
  throw new Error(why);
}

/** Null for a type that there is not. */
async function readHost(take: Take, type: number): Promise<string | null> {
  if (type === TYPE.IPV4) return (await take(4)).join('.');
  if (type === TYPE.IPV6) return ipFromBytes(await take(16));
  if (type !== TYPE.NAME) return null;
  const [length] = await take(1);
  return (await take(length!)).toString('latin1');
}

function replyBytes(reply: Reply, { address, port }: { address: string; port: number }): Uint8Array {
  const isV4 = !address.includes(':');
  const ip = ipToBytes(address);
  return Buffer.from([
    VERSION,
    reply,
    0,
    isV4 ? TYPE.IPV4 : TYPE.IPV6,
    ...(isV4 ? ip.subarray(12) : ip),
    port >> 8,
    port & 0xff,
  ]);
}

/** A reset right behind it may take back what was said: the client gets the time to close. */
async function lastWord(socket: Socket, bytes: Uint8Array): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(bytes).resume();
  await orLate(LAST_WORD_MS, closed, undefined);
  socket.destroy();
}

/** Takes bytes of a socket one by one, and leaves those behind them in it. */
class ExactReader {
  readonly #socket: Socket;
  #wake: () => void = () => {};
  readonly #woken = (): void => this.#wake();

  constructor(socket: Socket) {
    this.#socket = socket;
    // For as long as it reads: a listener that is added where a part is there is called at once, again and again.
    for (const event of EVENTS) socket.on(event, this.#woken);
  }

  /** The next `length` bytes. @throws (rejects) for a socket that ends before, the signal's reason */
  async take(length: number, signal: AbortSignal): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    const unlisten = onAbort(signal, this.#woken);
    try {
      for (;;) {
        signal.throwIfAborted();
        const bytes = this.#socket.read(length) as Buffer | null;
        if (bytes?.length === length) return bytes;
        if (bytes !== null || this.#socket.readableEnded || this.#socket.destroyed) {
          throw this.#socket.errored ?? new Error('it closed before it had asked for anything');
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      unlisten();
    }
  }

  release(): void {
    for (const event of EVENTS) this.#socket.off(event, this.#woken);
  }
}
