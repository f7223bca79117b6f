/**
 * The system calls that serving a device needs and Node does not have. koffi is loaded with the first use, so that
 * importing pool-ts loads no native code. Every function returns what the call returned, or the negative errno, taken on
 * the very next statement after the call.
 */
import type { KoffiFunc, node as KoffiNode } from 'koffi';
import { errnoCalls, loadKoffi } from '../base/koffi.js';
import { watchReadable } from '../base/watch-readable.js';
import { O_CLOEXEC } from '../poolioc/libc.js';

export const O_NONBLOCK = 0o4000;

export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;

export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

export const F_SETFL = 4;

const AF_UNIX = 1;
const SOCK_STREAM = 1;

export interface ServerLibc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  read(fd: number, buffer: Uint8Array): number;
  /** From the start of the file. */
  pread(fd: number, buffer: Uint8Array): number;
  /** `length` bytes from `offset` on. */
  preadAt(fd: number, buffer: Uint8Array, length: number, offset: number): number;
  write(fd: number, bytes: Uint8Array): number;
  fcntl(fd: number, command: number, argument: number): number;
  mount(source: string, target: string, type: string, flags: number, options: string): number;
  umount(target: string, flags: number): number;
  /** Two connected stream sockets, close-on-exec, into an Int32Array of two. */
  socketpair(fds: Int32Array): number;
  /** `message` is a struct msghdr. */
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  /** From the process `pid` into this one. The iovecs hold one entry each. */
  processVmRead(pid: number, local: Uint8Array, remote: Uint8Array): number;
  processVmWrite(pid: number, local: Uint8Array, remote: Uint8Array): number;
  /** _exit: ends the process at once, whatever its threads are doing. */
  exit(code: number): never;
  /** Bytes of a page of memory. */
  pageSize: number;
  /** The address of a buffer's first byte; the caller keeps the buffer alive. */
  address(buffer: Uint8Array): bigint;
  /** Calls back on the event loop of this thread whenever `fd` is readable. The fd must support poll. */
  poll(fd: number, readable: () => void): KoffiNode.PollHandle;
}

let loaded: Promise<ServerLibc> | undefined;

/** Loads koffi and libc once a thread. */
export function loadServerLibc(): Promise<ServerLibc> {
  return (loaded ??= load());
}

async function load(): Promise<ServerLibc> {
  const koffi = await loadKoffi();
  const library = koffi.load(null);
  const call = errnoCalls(koffi, library);
  const read = call<[number, Uint8Array, number]>('long read(int fd, void *buf, size_t n)');
  const pread = call<[number, Uint8Array, number, number]>('long pread(int fd, void *buf, size_t n, long offset)');
  const write = call<[number, Uint8Array, number]>('long write(int fd, const void *buf, size_t n)');
  const socketpair = call<[number, number, number, Int32Array]>('int socketpair(int f, int t, int p, void *fds)');
  type Vectors = [number, Uint8Array, number, Uint8Array, number, number];
  const vm = (name: string) =>
    call<Vectors>(`long ${name}(int pid, void *l, unsigned long n, void *r, unsigned long m, unsigned long f)`);
  const readv = vm('process_vm_readv');
  const writev = vm('process_vm_writev');
  const exit = library.func('void _exit(int code)') as KoffiFunc<(code: number) => never>;
  return {
    // The variadic arguments of open and fcntl travel in registers like fixed ones on the platforms that have FUSE.
    open: call('int open(const char *path, int flags)'),
    close: call('int close(int fd)'),
    read: (fd, buffer) => read(fd, buffer, buffer.length),
    pread: (fd, buffer) => pread(fd, buffer, buffer.length, 0),
    preadAt: pread,
    write: (fd, bytes) => write(fd, bytes, bytes.length),
    fcntl: call('int fcntl(int fd, int command, long argument)'),
    mount: call('int mount(const char *s, const char *t, const char *type, unsigned long flags, const char *data)'),
    umount: call('int umount2(const char *target, int flags)'),
    socketpair: (fds) => socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, fds),
    recvmsg: call('long recvmsg(int fd, void *message, int flags)'),
    processVmRead: (pid, local, remote) => readv(pid, local, 1, remote, 1, 0),
    processVmWrite: (pid, local, remote) => writev(pid, local, 1, remote, 1, 0),
    exit: (code) => exit(code),
    pageSize: call<[]>('int getpagesize()')(),
    address: (buffer) => BigInt(koffi.address(buffer)),
    poll: (fd, readable) => watchReadable(koffi, fd, readable),
  };
}
