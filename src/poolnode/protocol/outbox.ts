/**
 * What waits to be written. Packets are built one behind the other in slabs, so that many of them leave as one piece. Slabs
 * are the process's: a session has one only while something of it is under way, and one that was handed out is used again
 * no sooner than `written` says that the socket is done with it.
 */

/** Most sessions send little at a time: a heartbeat, a reply. */
const SMALL_SLAB_BYTES = 4_096;
/** Two of the longest packets. */
const LARGE_SLAB_BYTES = 132 * 1024;
/** Small slabs are cut from one buffer of this size. */
const SHARED_BYTES = 64 * 1024;
/** What the process keeps of each kind for whoever comes next. */
const MOST_SPARE_SMALL = 256;
const MOST_SPARE_LARGE = 8;

class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The outbox that fills it, and each taking that holds a piece of it. Spare at 0. */
  holders = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

const spareSmall: Slab[] = [];
const spareLarge: Slab[] = [];

/** A slab of at least `size` bytes. The one that was used last is the likeliest to be in the processor's cache. */
function take(size: number): Slab {
  if (size > SMALL_SLAB_BYTES) {
    return spareLarge.pop() ?? new Slab(new Uint8Array(Math.max(size, LARGE_SLAB_BYTES)));
  }
  if (spareSmall.length === 0) {
    const shared = new ArrayBuffer(SHARED_BYTES);
    for (let at = 0; at < SHARED_BYTES; at += SMALL_SLAB_BYTES) {
      spareSmall.push(new Slab(new Uint8Array(shared, at, SMALL_SLAB_BYTES)));
    }
  }
  return spareSmall.pop()!;
}

function letGo(slab: Slab): void {
  slab.holders -= 1;
  if (slab.holders > 0) return;
  if (slab.bytes.length === SMALL_SLAB_BYTES) {
    if (spareSmall.length < MOST_SPARE_SMALL) spareSmall.push(slab);
  } else if (slab.bytes.length === LARGE_SLAB_BYTES && spareLarge.length < MOST_SPARE_LARGE) {
    spareLarge.push(slab);
  }
}

const EMPTY = new Slab(new Uint8Array(0));

export class Outbox {
  #slab = EMPTY;
  /** The part of the slab that was reserved and is not yet among the pieces. */
  #from = 0;
  #to = 0;
  #pieces: Uint8Array[] = [];
  #slabs: Slab[] = [];
  #waiting = 0;
  /** The slabs of what was taken and is not written, oldest first. */
  readonly #taken: Slab[][] = [];

  /** The memory in use, and a view over it: write at the offset that `reserve` gave. */
  get slab(): Uint8Array {
    return this.#slab.bytes;
  }

  get view(): DataView {
    return this.#slab.view;
  }

  get bytes(): number {
    return this.#waiting;
  }

  /** Sets `size` bytes of the slab apart, next in order, and gives their offset in `slab`. */
  reserve(size: number): number {
    if (this.#slab.bytes.length - this.#to < size) this.#renew(size);
    const at = this.#to;
    this.#to += size;
    this.#waiting += size;
    return at;
  }

  /** Takes the last reservation back. */
  unreserve(size: number): void {
    this.#to -= size;
    this.#waiting -= size;
  }

  /** All that waits, in order; it stays as it is until `written`. */
  take(): Uint8Array[] {
    this.#flush();
    const pieces = this.#pieces;
    if (pieces.length === 0) return pieces;
    this.#taken.push(this.#slabs);
    this.#pieces = [];
    this.#slabs = [];
    this.#waiting = 0;
    return pieces;
  }

  /** What the oldest `take` gave is not needed any more. Where nothing else is under way, the slab is given back. */
  written(): void {
    for (const slab of this.#taken.shift() ?? []) letGo(slab);
    if (this.#taken.length > 0 || this.#waiting > 0 || this.#slab === EMPTY) return;
    letGo(this.#slab);
    this.#use(EMPTY);
  }

  #flush(): void {
    if (this.#to === this.#from) return;
    this.#pieces.push(this.#slab.bytes.subarray(this.#from, this.#to));
    this.#slabs.push(this.#slab);
    this.#slab.holders += 1;
    this.#from = this.#to;
  }

  /** A small slab that was too small is followed by a large one: more is coming. */
  #renew(size: number): void {
    this.#flush();
    const begun = this.#slab !== EMPTY;
    if (begun) letGo(this.#slab);
    this.#use(take(begun ? Math.max(size, SMALL_SLAB_BYTES + 1) : size));
    this.#slab.holders += 1;
  }

  #use(slab: Slab): void {
    this.#slab = slab;
    this.#from = 0;
    this.#to = 0;
  }
}
