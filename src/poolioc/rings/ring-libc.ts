/**
 * What rings need of the system, at both ends: memory that two processes have, and a pair of sockets over which one wakes the
 * other. Calls return what the system call did, or the negative errno.
 */
import type { KoffiFunc } from 'koffi';
import { Errno, systemError } from '../../base/errno.js';
import { errnoCalls, loadKoffi } from '../../base/koffi.js';
import { watchReadable } from '../../base/watch-readable.js';

/** Linux's numbers, the same on all machines that have the device. */
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** No more seals, and a size that stays: memory that is cut off kills whoever touches it. */
const SEALS = 1 | 2 | 4;
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;
const MADV_REMOVE = 9;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** What mmap gives where it fails: -1 as an address. */
const MAP_FAILED = 2n ** 64n - 1n;
const SEEK_END = 2;
const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;

const BELL_BYTES = 256;
/** Reads of one bell, whose other end may be rung without end: what is left is read next time. */
const BELL_READS = 1024;

/** A descriptor that tells when it is readable. */
export interface WatchedBell {
  /** It tells no more. Idempotent. */
  unwatch(): void;
}

export interface RingLibc {
  /** A file of memory that is `bytes` long for ever. */
  memory(bytes: number): number;
  /** 0 where it is such a file, else a negative errno. */
  checkMemory(fd: number, bytes: number): number;
  /** Null where it can't be mapped. It is unmapped when nobody has it any more. */
  map(fd: number, bytes: number): ArrayBuffer | null;
  /** Gives the pages back to the system, for both processes. They read as zeros from then on. */
  discard(memory: ArrayBuffer): void;
  /** Two connected sockets. @throws PoolError */
  pair(): [number, number];
  /** Wakes the process that has the other socket. Never waits; a socket that is full has woken it. */
  ring(socket: number): void;
  /**
   * What others rang is over. False where the other end of the socket is gone, whatever it rang before: of one that went with
   * bytes unread at both ends `watch` tells once only.
   */
  hear(socket: number): boolean;
  /** Calls back on the event loop of this thread, which it doesn't keep alive. @throws where `fd` can't be watched */
  watch(fd: number, readable: () => void): WatchedBell;
  /** This process's own descriptor for what `fd` of another one is open on; it may be asked for by whoever may read its memory. */
  borrow(pid: number, fd: number): number;
  close(fd: number): void;
}

let loaded: Promise<RingLibc> | undefined;

/**
 * Loads koffi and libc once a thread.
 * @throws PoolError ENOTSUP where koffi is missing
 */
export function loadRingLibc(): Promise<RingLibc> {
  return (loaded ??= bind());
}

async function bind(): Promise<RingLibc> {
  const koffi = await loadKoffi();
  const library = koffi.load(null);
  const call = errnoCalls(koffi, library);
  const memfd = call<[string, number]>('int memfd_create(const char *name, unsigned int flags)');
  const ftruncate = call<[number, number]>('int ftruncate(int fd, long size)');
  // The variadic arguments of fcntl and syscall travel like fixed ones on all of these machines.
  const fcntl = call<[number, number, number]>('int fcntl(int fd, int command, long argument)');
  const lseek = call<[number, number, number]>('long lseek(int fd, long offset, int whence)');
  const mmap = library.func('void *mmap(void *at, size_t n, int p, int f, int fd, long o)') as KoffiFunc<
    (at: null, bytes: number, protection: number, flags: number, fd: number, offset: number) => bigint | null
  >;
  const munmap = call<[bigint, number]>('int munmap(void *at, size_t bytes)');
  const madvise = call<[bigint, number, number]>('int madvise(void *at, size_t bytes, int advice)');
  const socketpair = call<[number, number, number, Int32Array]>('int socketpair(int f, int t, int p, void *fds)');
  const send = call<[number, Uint8Array, number, number]>('long send(int fd, const void *b, size_t n, int flags)');
  const recv = call<[number, Uint8Array, number, number]>('long recv(int fd, void *b, size_t n, int flags)');
  const syscall = call<[number, number, number, number]>('long syscall(long number, long a, long b, long c)');
  const close = call<[number]>('int close(int fd)');

  /** Those of this thread: koffi aborts the process when one calls back while a thread's environment is taken apart. */
  let watched: Set<WatchedBell> | null = null;
  const addresses = new WeakMap<ArrayBuffer, bigint>();
  const unreachable = new FinalizationRegistry<{ at: bigint; bytes: number }>(({ at, bytes }) => munmap(at, bytes));
  const bell = Uint8Array.of(1);
  const heard = new Uint8Array(BELL_BYTES);

  return {
    memory(bytes) {
      const fd = memfd('pool-ts session', MFD_CLOEXEC | MFD_ALLOW_SEALING);
      if (fd < 0) return fd;
      const errno = Math.min(ftruncate(fd, bytes), 0) || Math.min(fcntl(fd, F_ADD_SEALS, SEALS), 0);
      if (errno === 0) return fd;
      close(fd);
      return errno;
    },
    checkMemory(fd, bytes) {
      const seals = fcntl(fd, F_GET_SEALS, 0);
      if (seals < 0) return seals;
      return (seals & SEALS) === SEALS && lseek(fd, 0, SEEK_END) === bytes ? 0 : -Errno.EINVAL;
    },
    map(fd, bytes) {
      const at = mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
      if (at === null || at === MAP_FAILED) return null;
      const memory = koffi.view(at, bytes);
      addresses.set(memory, at);
      unreachable.register(memory, { at, bytes });
      return memory;
    },
    discard(memory) {
      const at = addresses.get(memory);
      if (at !== undefined) madvise(at, memory.byteLength, MADV_REMOVE);
    },
    pair() {
      const fds = new Int32Array(2);
      const errno = -socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0, fds);
      if (errno > 0) throw systemError(errno, 'socketpair', 'open rings of a session: no pair of sockets can be had');
      return [fds[0]!, fds[1]!];
    },
    ring: (socket) => void send(socket, bell, bell.length, MSG_DONTWAIT_NOSIGNAL),
    hear: (socket) => {
      // Bytes come before the end of the socket, and before its error.
      for (let turn = 0; turn < BELL_READS; turn += 1) {
        const bytes = recv(socket, heard, heard.length, MSG_DONTWAIT_NOSIGNAL);
        if (bytes <= 0 && bytes !== -Errno.EINTR) return bytes === -Errno.EAGAIN;
      }
      return true;
    },
    watch(fd, readable) {
      const handle = watchReadable(koffi, fd, readable);
      handle.unref();
      if (watched === null) {
        const all = (watched = new Set());
        process.on('exit', () => {
          for (const one of all) one.unwatch();
        });
      }
      const all = watched;
      const socket: WatchedBell = {
        unwatch() {
          if (!all.delete(socket)) return;
          handle.stop();
          handle.close();
        },
      };
      all.add(socket);
      return socket;
    },
    borrow(pid, fd) {
      const process = syscall(PIDFD_OPEN, pid, 0, 0);
      if (process < 0) return process;
      const own = syscall(PIDFD_GETFD, process, fd, 0);
      close(process);
      return own;
    },
    close: (fd) => void close(fd),
  };
}
