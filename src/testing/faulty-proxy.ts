/** A network that misbehaves, for tests of programs that talk over POOL: a TCP proxy between a dial and its listener. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { wrongType } from '../base/arguments.js';
import { PoolError } from '../base/errors.js';
import { namesOf, refuseUnknown } from '../base/option-names.js';
import { resetSocket } from '../base/reset-socket.js';
import { Addr } from '../pool/address/addr.js';
import { type AddressInput, readPeer } from '../pool/address/target.js';
import { clearTimeout, performance, setTimeout } from '../base/timers.js';

/** What happens to the bytes of one direction. Offsets count from the first byte of the connection, from 0. */
export interface NetworkFaults {
  /** ms that each byte takes longer. */
  latency?: number;
  /** Bytes a second. */
  bandwidth?: number;
  /** Bytes that arrive at a time, at most. */
  slice?: number;
  /** The byte at this offset is changed: `mask` is exclusive-ored into it, 1 by default. */
  corrupt?: { at: number; mask?: number };
  /** So many bytes arrive, and then both sides see the connection end (FIN), as when a network in between closes it. */
  cutAt?: number;
  /** As `cutAt`, with a reset (RST). */
  resetAt?: number;
  /** So many bytes arrive and no other ever does, and the connection stays, as when a route is gone. */
  blackholeAt?: number;
}

/** What a faulty proxy passes on, and what it does to it. */
export interface FaultyProxyOptions {
  /** Where connections go on to: a listener's address, in any form that `dial` takes. */
  target: AddressInput;
  /** From the dialling side to the listener. */
  upstream?: NetworkFaults;
  /** From the listener to the dialling side. */
  downstream?: NetworkFaults;
}

/** A proxy between two ends, whose faults can be changed while bytes go through. */
export interface FaultyProxy extends AsyncDisposable {
  /** 127.0.0.1 and the port: what is to be dialled. */
  readonly addr: Addr;
  /** Bytes that have arrived at either side, of all connections. */
  readonly passed: { readonly upstream: number; readonly downstream: number };
  /** Faults of both directions from here on, for the connections that are open too; a direction left out has none. */
  set(faults: { upstream?: NetworkFaults; downstream?: NetworkFaults }): void;
  /** Resets all connections that are open. */
  reset(): void;
  /** Ends the proxy and all its connections. */
  close(): Promise<void>;
}

/** Bytes that a direction holds before its source has to wait. */
const HELD_BYTES = 256 * 1024;

const OPTIONS = namesOf<FaultyProxyOptions>({ target: true, upstream: true, downstream: true });

const LIMITS: Readonly<Record<Exclude<keyof NetworkFaults, 'corrupt'>, number>> = {
  latency: 0,
  bandwidth: 1,
  slice: 1,
  cutAt: 0,
  resetAt: 0,
  blackholeAt: 0,
};

/**
 * Starts a proxy on a port of 127.0.0.1 that the system chooses. Its connections keep the process alive, as those of a
 * listener do, until `close`.
 * @throws PoolError as `dial` for the address; ERR_OUT_OF_RANGE for a fault that is no number of its range,
 * ERR_INVALID_ARG_VALUE for an unknown one
 * @example
 * const proxy = await faultyProxy({ target: listener.addr, downstream: { latency: 50, cutAt: 10_000 } });
 * const conn = await dial(proxy.addr, { backend: 'user' });
 */
export async function faultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const proxy = new Proxy(options);
  await proxy.listen();
  return proxy;
}

function checked(name: string, faults: NetworkFaults = {}): NetworkFaults {
  if (typeof faults !== 'object' || faults === null) throw wrongType(name, 'an object of faults', faults);
  refuseUnknown(faults, [...Object.keys(LIMITS), 'corrupt']);
  for (const [key, value] of Object.entries(faults) as [keyof NetworkFaults, unknown][]) {
    if (value === undefined) continue;
    const number = (key === 'corrupt' ? ((value ?? {}) as { at?: unknown }).at : value) as number;
    const least = key === 'corrupt' ? 0 : LIMITS[key];
    if (!(Number.isSafeInteger(number) && number >= least)) {
      const what = key === 'corrupt' ? 'corrupt.at' : key;
      throw new PoolError(
        'ERR_OUT_OF_RANGE',
        `${name}.${what} must be an integer from ${least} on, not ${String(number)}`,
      );
    }
  }
  return { ...faults };
}

class Proxy implements FaultyProxy {
  readonly passed = { upstream: 0, downstream: 0 };
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #resetting = new WeakSet<Socket>();
  #faults: { upstream: NetworkFaults; downstream: NetworkFaults };

  constructor(options: FaultyProxyOptions) {
    refuseUnknown(options, OPTIONS);
    const { target, upstream, downstream } = options;
    const { host, port } = readPeer(target, 'pool');
    // '' is loopback, as for dial.
    this.#target = { host: host === '' ? '127.0.0.1' : host, port };
    this.#faults = { upstream: checked('upstream', upstream), downstream: checked('downstream', downstream) };
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#connected(socket));
  }

  get addr(): Addr {
    return new Addr('127.0.0.1', (this.#server.address() as AddressInfo).port);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
  }

  set(faults: { upstream?: NetworkFaults; downstream?: NetworkFaults }): void {
    refuseUnknown(faults, ['upstream', 'downstream']);
    const { upstream, downstream } = faults;
    this.#faults = { upstream: checked('upstream', upstream), downstream: checked('downstream', downstream) };
  }

  reset(): void {
    for (const socket of this.#open) this.#reset(socket);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #reset = (socket: Socket): void => {
    this.#resetting.add(socket);
    // What still comes is nobody's, and would be passed on behind the reset.
    socket.removeAllListeners('data').pause();
    resetSocket(socket);
  };

  #connected(near: Socket): void {
    const far = connect({ ...this.#target, allowHalfOpen: true });
    const both = [near, far];
    for (const socket of both) {
      this.#open.add(socket);
      socket.setNoDelay(true);
      // A side that fails takes the other with it, as it would without a proxy between them.
      socket.on('error', () => both.forEach(this.#reset));
      socket.on('close', () => this.#open.delete(socket));
    }
    this.#direct('upstream', near, far);
    this.#direct('downstream', far, near);
  }

  #direct(name: 'upstream' | 'downstream', from: Socket, to: Socket): void {
    new ProxyDirection(
      from,
      to,
      () => this.#faults[name],
      (bytes) => (this.passed[name] += bytes),
      this.#reset,
      this.#resetting,
    ).start();
  }
}

class ProxyDirection {
  /** What came and when, ms; null is the FIN. */
  readonly #held: { bytes: Uint8Array | null; at: number }[] = [];
  #heldBytes = 0;
  /** Offset of the next byte to arrive. */
  #offset = 0;
  /** When the bandwidth allows the next bytes. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(
    readonly from: Socket,
    readonly to: Socket,
    readonly faults: () => NetworkFaults,
    readonly arrived: (bytes: number) => void,
    readonly reset: (socket: Socket) => void,
    readonly resetting: WeakSet<Socket>,
  ) {}

  start(): void {
    this.from.on('data', (bytes: Buffer) => this.#hold(bytes)).on('end', () => this.#hold(null));
    for (const socket of [this.from, this.to]) socket.on('close', () => this.#stop());
    this.to.on('drain', () => this.#pass());
    this.from.resume();
  }

  #stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #hold(bytes: Uint8Array | null): void {
    this.#held.push({ bytes, at: performance.now() });
    this.#heldBytes += bytes?.length ?? 0;
    if (this.#heldBytes > HELD_BYTES) this.from.pause();
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    while (!this.#over && this.#held.length > 0 && !this.to.writableNeedDrain) {
      const faults = this.faults();
      const [first] = this.#held as [{ bytes: Uint8Array | null; at: number }];
      const now = performance.now();
      // Timers are in whole ms: small slices go on until they have used up one, or they would make a narrow link much narrower.
      const narrow = this.#freeAt - now >= 1 ? this.#freeAt : now;
      const wait = Math.max(first.at + (faults.latency ?? 0), narrow) - now;
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pass(), Math.ceil(wait));
        return;
      }
      if (first.bytes === null) {
        if (faults.blackholeAt !== undefined && this.#offset >= faults.blackholeAt) return;
        this.#held.shift();
        this.to.end();
        return;
      }
      this.#send(first, first.bytes, faults);
    }
    const goesOn = this.#heldBytes <= HELD_BYTES && !this.resetting.has(this.from);
    if (goesOn && this.from.isPaused()) this.from.resume();
  }

  #send(first: { bytes: Uint8Array | null }, bytes: Uint8Array, faults: NetworkFaults): void {
    const size = Math.min(bytes.length, faults.slice ?? bytes.length);
    // A slice without an end to it would take all the bandwidth's second at once.
    const allowed =
      faults.bandwidth === undefined ? size : Math.min(size, Math.max(1, Math.ceil(faults.bandwidth / 50)));
    const limits = [faults.cutAt, faults.resetAt, faults.blackholeAt].filter((limit) => limit !== undefined);
    const left = Math.max(0, Math.min(allowed, ...limits.map((limit) => limit - this.#offset)));
    if (left === 0) return this.#end(faults);
    const piece = Uint8Array.from(bytes.subarray(0, left));
    const { corrupt } = faults;
    if (corrupt !== undefined && corrupt.at >= this.#offset && corrupt.at < this.#offset + left) {
      piece[corrupt.at - this.#offset]! ^= corrupt.mask ?? 1;
    }
    if (left === bytes.length) this.#held.shift();
    else first.bytes = bytes.subarray(left);
    this.#heldBytes -= left;
    this.#offset += left;
    if (faults.bandwidth !== undefined) {
      this.#freeAt = Math.max(this.#freeAt, performance.now()) + (1000 * left) / faults.bandwidth;
    }
    this.arrived(left);
    this.to.write(piece);
  }

  /** No further byte arrives. */
  #end({ cutAt = Infinity, resetAt = Infinity, blackholeAt = Infinity }: NetworkFaults): void {
    this.#stop();
    const nearest = Math.min(cutAt, resetAt, blackholeAt);
    if (nearest === blackholeAt) {
      this.from.resume();
      this.from.removeAllListeners('data').on('data', () => undefined);
    } else if (nearest === resetAt) {
      [this.from, this.to].forEach(this.reset);
    } else {
      // Both see FIN; what they still send is taken and goes nowhere.
      for (const socket of [this.from, this.to]) socket.end();
      for (const socket of [this.from, this.to]) socket.removeAllListeners('data').resume();
    }
  }
}
