/** What rings need of the system, in memory: descriptors of one process, or of all, and sockets that are readable at once. */
import type { RingLibc, WatchedBell } from '../../src/poolioc/rings/ring-libc.js';
import { Errno } from '../../src/base/errno.js';

interface SocketEnd {
  other: SocketEnd;
  rings: number;
  /** Descriptors that are open on it. */
  open: number;
  readable: Set<() => void>;
}

type File =
  | { kind: 'memory'; buffer: ArrayBuffer; sealed: boolean }
  | { kind: 'socket'; end: SocketEnd }
  | { kind: 'other' };

export class FakeRingLibc implements RingLibc {
  readonly files = new Map<number, File>();
  readonly discarded: ArrayBuffer[] = [];
  /** Bells that were rung. */
  rung = 0;
  #next = 3;

  /** A descriptor of something else. */
  other(): number {
    return this.#add({ kind: 'other' });
  }

  unsealed(bytes: number): number {
    return this.#add({ kind: 'memory', buffer: new ArrayBuffer(bytes), sealed: false });
  }

  /** As /proc/<pid>/fd/<fd> has it. */
  readonly readlink = (path: string): string => {
    const file = this.files.get(Number(path.split('/').at(-1)));
    if (file === undefined) throw Object.assign(new Error('no such descriptor'), { code: 'ENOENT' });
    return { memory: '/memfd:pool-ts session (deleted)', socket: 'socket:[1]', other: '/dev/null' }[file.kind];
  };

  memory(bytes: number): number {
    return this.#add({ kind: 'memory', buffer: new ArrayBuffer(bytes), sealed: true });
  }

  checkMemory(fd: number, bytes: number): number {
    const file = this.files.get(fd);
    return file?.kind === 'memory' && file.sealed && file.buffer.byteLength === bytes ? 0 : -Errno.EINVAL;
  }

  map(fd: number): ArrayBuffer | null {
    const file = this.files.get(fd);
    return file?.kind === 'memory' ? file.buffer : null;
  }

  discard(memory: ArrayBuffer): void {
    this.discarded.push(memory);
    new Uint8Array(memory).fill(0);
  }

  pair(): [number, number] {
    const end = (): SocketEnd => ({ other: undefined as never, rings: 0, open: 0, readable: new Set() });
    const [one, two] = [end(), end()];
    one.other = two;
    two.other = one;
    return [this.#add({ kind: 'socket', end: one }), this.#add({ kind: 'socket', end: two })];
  }

  ring(socket: number): void {
    const { other } = this.#end(socket);
    this.rung += 1;
    if (other.open === 0) return;
    other.rings += 1;
    this.#wake(other);
  }

  hear(socket: number): boolean {
    const end = this.#end(socket);
    end.rings = 0;
    return end.other.open > 0;
  }

  watch(fd: number, readable: () => void): WatchedBell {
    const end = this.#end(fd);
    end.readable.add(readable);
    this.#wake(end);
    return { unwatch: () => void end.readable.delete(readable) };
  }

  borrow(_pid: number, fd: number): number {
    const file = this.files.get(fd);
    return file === undefined ? -Errno.EBADF : this.#add(file);
  }

  close(fd: number): void {
    const file = this.files.get(fd);
    if (file === undefined) throw new Error(`descriptor ${fd} is closed twice`);
    this.files.delete(fd);
    if (file.kind !== 'socket') return;
    file.end.open -= 1;
    this.#wake(file.end.other);
  }

  #add(file: File): number {
    const fd = this.#next++;
    this.files.set(fd, file);
    if (file.kind === 'socket') file.end.open += 1;
    return fd;
  }

  #end(fd: number): SocketEnd {
    const file = this.files.get(fd);
    if (file?.kind !== 'socket') throw new Error(`descriptor ${fd} can't be watched`);
    return file.end;
  }

  /** As libuv does it: for as long as there is something to hear. */
  #wake(end: SocketEnd): void {
    setImmediate(() => {
      for (const readable of [...end.readable]) {
        if (!end.readable.has(readable) || (end.rings === 0 && end.other.open > 0)) continue;
        readable();
        this.#wake(end);
      }
    });
  }
}
