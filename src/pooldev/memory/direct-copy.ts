/**
 * Copying between a caller's memory and ours on the device's own thread, where that can't hang: a hop to a copying thread
 * and back costs several times what the copy of a short message does. It can't where every page is there: `/proc/<pid>/pagemap`
 * says which are. A page may still go between that look and the copy, and a caller could bring that about in order to hold
 * the device up; so this is for callers who could as well kill this process. All else is the copying threads' affair.
 */
import { isAlive, type PinnedCaller } from './caller.js';
import { MAX_COPY_BYTES } from './copy-channel.js';
import type { ServerLibc } from '../server-libc.js';

/** Pages of 4 KiB, the smallest that there are, that a message of 65535 bytes touches at most. */
const MAX_PAGES = 17;
const MAX_ADDRESS = BigInt(Number.MAX_SAFE_INTEGER - MAX_COPY_BYTES);
/** Bytes of an entry of pagemap; Documentation/admin-guide/mm/pagemap.rst. */
const ENTRY_BYTES = 8;
/** In the upper half of an entry. Bit 63: the page is in memory. */
const PRESENT = 1 << 31;
/** Bit 61: it belongs to a file or is shared, and writing to it may have to ask a file system. */
const FILE_OR_SHARED = 1 << 29;
/** Bit 57: userfaultfd wants to be asked before it is written to. */
const WRITE_PROTECTED = 1 << 25;

export interface DirectCopyOptions {
  libc: Pick<ServerLibc, 'pread' | 'preadAt' | 'processVmRead' | 'processVmWrite' | 'address' | 'pageSize'>;
  /** The user whom this process belongs to. */
  uid: number;
}

export class DirectCopy {
  readonly #libc: DirectCopyOptions['libc'];
  readonly #uid: number;
  readonly #scratch = Buffer.alloc(32);
  readonly #entries = Buffer.alloc(MAX_PAGES * ENTRY_BYTES);
  readonly #words = new Int32Array(this.#entries.buffer, this.#entries.byteOffset, 2 * MAX_PAGES);
  readonly #data = Buffer.alloc(MAX_COPY_BYTES);
  readonly #dataAddress: bigint;
  readonly #local = new BigUint64Array(2);
  readonly #remote = new BigUint64Array(2);
  readonly #localBytes = new Uint8Array(this.#local.buffer);
  readonly #remoteBytes = new Uint8Array(this.#remote.buffer);

  constructor({ libc, uid }: DirectCopyOptions) {
    this.#libc = libc;
    this.#uid = uid;
    this.#dataAddress = libc.address(this.#data);
  }

  /** The bytes at `address`, valid until the next call; null where they have to be fetched in another way. */
  read(caller: PinnedCaller, address: bigint, length: number): Buffer | null {
    if (!this.#may(caller, address, length, PRESENT, PRESENT)) return null;
    this.#vectors(this.#dataAddress, address, length);
    const copied = this.#libc.processVmRead(caller.pid, this.#localBytes, this.#remoteBytes);
    return copied === length ? this.#data.subarray(0, length) : null;
  }

  /** False where the bytes have to be written in another way; part of them may have been. */
  write(caller: PinnedCaller, address: bigint, bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (!this.#may(caller, address, length, PRESENT | FILE_OR_SHARED | WRITE_PROTECTED, PRESENT)) return false;
    this.#vectors(this.#libc.address(bytes), address, length);
    return this.#libc.processVmWrite(caller.pid, this.#localBytes, this.#remoteBytes) === length;
  }

  /** Whether the caller is trusted and still there, and of each page's bits in `mask` exactly `wanted` are set. */
  #may(caller: PinnedCaller, address: bigint, length: number, mask: number, wanted: number): boolean {
    // Above 2^53 no number is exact, and no Linux has given such an address yet.
    if ((caller.uid !== this.#uid && caller.uid !== 0) || address > MAX_ADDRESS) return false;
    const { pageSize } = this.#libc;
    const at = Number(address);
    const first = Math.floor(at / pageSize);
    const pages = Math.floor((at + length - 1) / pageSize) - first + 1;
    const fd = caller.pages();
    if (fd < 0 || pages > MAX_PAGES) return false;
    // A file of a process that is gone, or has become another program, reads as empty.
    const bytes = this.#libc.preadAt(fd, this.#entries, pages * ENTRY_BYTES, first * ENTRY_BYTES);
    if (bytes !== pages * ENTRY_BYTES) return false;
    for (let page = 0; page < pages; page += 1) {
      // Little-endian, as every platform that a device is served on.
      if ((this.#words[2 * page + 1]! & mask) !== (wanted | 0)) return false;
    }
    return isAlive(this.#libc, caller.pin, this.#scratch);
  }

  #vectors(local: bigint, remote: bigint, length: number): void {
    this.#local[0] = local;
    this.#remote[0] = remote;
    this.#local[1] = this.#remote[1] = BigInt(length);
  }
}
