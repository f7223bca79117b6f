/**
 * The system calls of the device. koffi is loaded when it is first asked. Every
 * call returns its result and errno together, errno taken on the very next statement: whatever JavaScript does in between
 * may make system calls of its own.
 */
import { fstatSync, type Stats, statSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import { copyBytes, type CopyBytes } from '../base/bytes.js';
import { PoolError } from '../base/errors.js';
import { loadKoffi } from '../base/koffi.js';
import { readProcFile } from '../base/proc-file.js';

export interface CallResult {
  /** What the call returned. */
  ret: number;
  /** errno after it; meaningful where `ret` is negative. */
  errno: number;
}

/** What a descriptor is open on. */
export interface OpenFile {
  isCharacterDevice: boolean;
  /** The same for two descriptors of one device. */
  identity: string;
}

export const O_RDWR = 0o2;
export const O_CLOEXEC = 0o2000000;
/** The signal that takes a blocked call back: ignored by default, so that a stray one does no harm. Linux's number. */
export const SIGURG = 23;

/** Of flock(2). */
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
/** Of fcntl(2), Linux's numbers on all of these machines. */
export const F_WRLCK = 1;
export const F_UNLCK = 2;
const F_OFD_SETLK = 37;
/** struct flock on 64 bits: l_type@0:2 l_whence@2:2 l_start@8:8 l_len@16:8 l_pid@24:4. */
const FLOCK_SIZE = 32;

/** Deno's fstat knows the descriptors that Deno itself opened, and no others. */
function statOf(fd: number): Stats {
  try {
    return fstatSync(fd);
  } catch {
    return statSync(`/proc/self/fd/${fd}`);
  }
}

/** libc, as far as the device needs it. */
export interface Libc {
  open(path: string, flags: number): CallResult;
  close(fd: number): CallResult;
  /** What `fd` is open on. */
  describe(fd: number): OpenFile;
  /** `argument` is memory that must outlive the call, or null. */
  ioctl(fd: number, request: number, argument: Uint8Array | null): CallResult;
  /** The text of /proc/<pid>/stat; null where there is none. Throws where it can't be read at the moment. */
  processStat(pid: number): string | null;
  /** flock: the lock of `fd`'s open file, which every copy of that descriptor shares. Only with LOCK_NB does it not wait. */
  flock(fd: number, operation: number): CallResult;
  /** fcntl F_OFD_SETLK on one byte: F_WRLCK or F_UNLCK. EAGAIN where another open file has it. */
  lockByte(fd: number, type: number, at: number): CallResult;
  /** The address of a buffer's first byte. It keeps nothing alive. */
  address(buffer: Uint8Array): bigint;
  /** Copies memory that threads share: V8 does that 8 bytes at a time, or one where the addresses differ by less. */
  copy: CopyBytes;
  /** The calling thread's id. */
  gettid(): number;
  /** A signal to one thread of this process. */
  tgkill(pid: number, tid: number, signal: number): CallResult;
  /**
   * Lets a signal interrupt system calls and do nothing else: its handler is libc's `abs`, which takes an int and touches
   * nothing, and SA_RESTART is off. Whoever handles the signal afterwards undoes it: to be repeated before each use.
   */
  interruptBy(signal: number): void;
  /** Blocks all signals for the calling thread but those that a fault raises. */
  blockSignals(): CallResult;
  /** _exit: ends the process at once, whatever its threads are doing. */
  exit(code: number): never;
}

/** SYS_gettid and SYS_tgkill: glibc before 2.30 and musl have no functions for them. */
const GENERIC_NUMBERS = { gettid: 178, tgkill: 131 };
const SYSCALL_NUMBERS: Partial<Record<NodeJS.Architecture, { gettid: number; tgkill: number }>> = {
  x64: { gettid: 186, tgkill: 234 },
  arm64: GENERIC_NUMBERS,
  riscv64: GENERIC_NUMBERS,
  loong64: GENERIC_NUMBERS,
};

/** Bytes from which on a call into libc costs less than it spares. */
const LONG_COPY = 1024;

const SIG_BLOCK = 0;
/** SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV: blocked ones would kill instead of reaching V8's handlers. */
const FAULTS = [4, 5, 7, 8, 11];
/** Bytes of a sigset_t. */
const SIGSET_SIZE = 128;

let loaded: Promise<Libc> | undefined;

/**
 * Loads koffi and binds libc, once a thread.
 * @throws PoolError ENOTSUP where there is no /dev/pool to drive, or koffi is missing
 */
export function loadLibc(): Promise<Libc> {
  return (loaded ??= bind());
}

async function bind(): Promise<Libc> {
  const numbers = SYSCALL_NUMBERS[process.arch];
  if (process.platform !== 'linux' || numbers === undefined) {
    throw new PoolError(
      'ENOTSUP',
      `the POOL device exists on 64-bit little-endian Linux only, not on ${process.platform} ${process.arch}; use backend 'user'`,
    );
  }
  const koffi = await loadKoffi();
  const libc = koffi.load(null);
  const bound = <A extends unknown[]>(definition: string) => {
    const native = libc.func(definition) as KoffiFunc<(...args: A) => number>;
    return (...args: A): CallResult => {
      const ret = native(...args);
      const errno = koffi.errno();
      return { ret, errno };
    };
  };
  // The arguments of open, ioctl, fcntl and syscall are variadic in C; here they travel like fixed ones on all of these machines.
  const open = bound<[string, number]>('int open(const char *path, int flags)');
  const close = bound<[number]>('int close(int fd)');
  const ioctl = bound<[number, number, Uint8Array | null]>('int ioctl(int fd, uint64_t request, void *argument)');
  const syscall = bound<[number, number, number, number]>('long syscall(long number, long a, long b, long c)');
  const flock = bound<[number, number]>('int flock(int fd, int operation)');
  const fcntl = bound<[number, number, Uint8Array]>('int fcntl(int fd, int command, void *argument)');
  const handler = libc.symbol('abs', 'void') as bigint;
  const setHandler = libc.func('void *signal(int signal, void *handler)') as KoffiFunc<
    (signal: number, handler: unknown) => unknown
  >;
  const siginterrupt = bound<[number, number]>('int siginterrupt(int signal, int flag)');
  const sigmask = bound<[number, Uint8Array, null]>('int pthread_sigmask(int how, void *set, void *old)');
  const memmove = libc.func('void *memmove(void *to, const void *from, size_t size)') as KoffiFunc<
    (to: Uint8Array, from: Uint8Array, size: number) => unknown
  >;
  const exit = libc.func('void _exit(int code)') as KoffiFunc<(code: number) => never>;
  return {
    open,
    close,
    describe: (fd) => {
      const file = statOf(fd);
      const isCharacterDevice = file.isCharacterDevice();
      return { isCharacterDevice, identity: isCharacterDevice ? `device ${file.rdev}` : `${file.dev}:${file.ino}` };
    },
    ioctl,
    processStat: (pid) => readProcFile(`/proc/${pid}/stat`),
    flock,
    lockByte: (fd, type, at) => {
      const lock = Buffer.alloc(FLOCK_SIZE);
      lock.writeInt16LE(type, 0);
      lock.writeBigInt64LE(BigInt(at), 8);
      lock.writeBigInt64LE(1n, 16);
      return fcntl(fd, F_OFD_SETLK, lock);
    },
    address: (buffer) => BigInt(koffi.address(buffer)),
    copy: (to, from) => {
      // What doesn't fit throws in there.
      if (from.length < LONG_COPY || from.length > to.length) copyBytes(to, from);
      else memmove(to, from, from.length);
    },
    gettid: () => syscall(numbers.gettid, 0, 0, 0).ret,
    tgkill: (pid, tid, signal) => syscall(numbers.tgkill, pid, tid, signal),
    interruptBy: (signal) => {
      setHandler(signal, handler);
      siginterrupt(signal, 1);
    },
    blockSignals: () => {
      const set = new Uint8Array(SIGSET_SIZE).fill(0xff);
      for (const signal of FAULTS) set[(signal - 1) >> 3]! &= ~(1 << ((signal - 1) & 7));
      return sigmask(SIG_BLOCK, set, null);
    },
    exit: (code) => exit(code),
  };
}
