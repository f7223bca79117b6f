/** CONNECT: one after another, over TCP only, and again where the module fails by chance (kernel contract, section 4). */
import { AF_INET6 } from '../../../poolioc/abi/constants.js';
import { networkInterfaces } from 'node:os';
import { orAborted, throwIfAborted } from '../../../base/abort.js';
import { PoolError } from '../../../base/errors.js';
import type { Addr } from '../../address/addr.js';
import type { KernelDevice } from './device.js';
import { dialError, errnoNameIn, retriedDialError, tableFull } from './call-errors.js';
import { fromMapped, toMapped } from './mapped-address.js';
import type { TcpEnd } from '../table/tcp-table.js';

/** Hazard 3: each try is a fresh draw; one that ends in EINVAL leaves a dead slot at a module peer for ever. */
const TRIES = 20;
const EINVAL_TRIES = 8;
const BY_CHANCE = new Set(['EIO', 'EINVAL', 'ECONNRESET', 'EPIPE']);

export interface DiallerOptions {
  device: KernelDevice;
  /** Gives a session back that came when nobody wanted it any more. */
  discard: (index: number) => void;
  isLocal?: ((address: string) => boolean) | undefined;
  /** Whether there is no slot for a session to this address. */
  full?: ((address: Addr) => Promise<boolean>) | undefined;
}

export class Dialler {
  readonly #options: DiallerOptions;
  #last: Promise<unknown> = Promise.resolve();
  #dialling: TcpEnd | null = null;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Whom CONNECT dials, until its session is handed over. */
  get dialling(): readonly TcpEnd[] {
    return this.#dialling === null ? [] : [this.#dialling];
  }

  /**
   * Dials and hands the slot to `established` before the next dial begins. Rejects with the signal's reason as soon as it
   * is aborted, also while other dials come first; `established` looks at the signal itself.
   */
  async dial<T>(
    address: Addr,
    signal: AbortSignal | undefined,
    established: (index: number) => Promise<T>,
  ): Promise<T> {
    const peerAddr = toMapped(address);
    if (address.port === 0) throw new PoolError('ERR_OUT_OF_RANGE', 'port 0 can be listened on, but not dialled');
    throwIfAborted(signal);
    // Not after the dials that come first: some of them may take as long as the caller waits.
    const { full } = this.#options;
    if (full !== undefined && (await orAborted(full(address), signal))) throw tableFull();
    // Hazard 7: two handshakes at a time can corrupt each other's keys.
    const turn = this.#last.then(async () => {
      throwIfAborted(signal);
      this.#dialling = fromMapped(peerAddr, address.port);
      try {
        const index = await this.#connect(address, peerAddr, signal);
        return await established(index);
      } finally {
        this.#dialling = null;
      }
    });
    this.#last = turn.catch(() => {});
    return orAborted(turn, signal);
  }

  async #connect(address: Addr, peerAddr: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    const { device, discard, isLocal = isLocalAddress, full } = this.#options;
    const request = { peerAddr, peerPort: address.port, addrFamily: AF_INET6 };
    for (let tries = 1, einval = 0; ; tries += 1) {
      let index: number;
      try {
        index = await device.connect(request, { signal, onLate: discard });
      } catch (cause) {
        if (signal?.aborted === true) throw cause;
        const name = errnoNameIn(cause);
        // Hazard 7 shows as EBADMSG too, where both ends are on this machine. EINTR is a stray signal's.
        const chance = BY_CHANCE.has(name) || (name === 'EBADMSG' && isLocal(address.address));
        if (!chance && name !== 'EINTR') throw dialError(cause);
        if (name === 'EINVAL') einval += 1;
        if ((await full?.(address)) === true) throw tableFull(cause);
        if (tries >= TRIES || einval >= EINVAL_TRIES) throw retriedDialError(cause, tries);
        continue;
      }
      if (signal?.aborted !== true) return index;
      discard(index);
      throw signal.reason;
    }
  }
}

/** Whether an address is one of this machine's. */
export function isLocalAddress(address: string): boolean {
  if (address === '::1' || address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}
