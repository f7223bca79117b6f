/**
 * Whether this process may copy from and to the processes that call: the ioctl brings only the struct, the bytes behind
 * its pointers are fetched with process_vm_readv, which containers, Yama and other security modules may forbid.
 */
import { readFileSync } from 'node:fs';
import { errnoName, systemError } from '../../base/errno.js';
import type { ServerLibc } from '../server-libc.js';

/** Bit of CapEff in /proc/self/status (capabilities(7)). */
const CAP_SYS_PTRACE = 1n << 19n;

const ADVICE = {
  seccomp:
    'a container needs --cap-add=SYS_PTRACE or a seccomp profile that allows process_vm_readv and process_vm_writev',
  yama: 'serve as root, or set the sysctl kernel.yama.ptrace_scope to 0, or let each program call prctl(PR_SET_PTRACER) for the server',
  other: 'the program must run as the same user, not setuid, and in the same pid namespace as the server',
};

/** Throws where even this process's own memory can't be read through the system call. */
export function requireMemoryCalls(libc: ServerLibc): void {
  const there = Buffer.from([1]);
  const here = Buffer.alloc(1);
  const vector = (bytes: Buffer): Buffer => {
    const iovec = Buffer.alloc(16);
    iovec.writeBigUInt64LE(libc.address(bytes), 0);
    iovec.writeBigUInt64LE(1n, 8);
    return iovec;
  };
  const ret = libc.processVmRead(process.pid, vector(here), vector(there));
  if (ret === there.length && here[0] === there[0]) return;
  const sentence = `serve pool device: process_vm_readv is forbidden here (${errnoName(-ret)}): ${ADVICE.seccomp}`;
  throw systemError(-ret, 'process_vm_readv', sentence);
}

/** What may keep other programs' memory out of reach, or null. */
export function memoryAccessWarning(read: (path: string) => string = readText): string | null {
  const scope = Number(read('/proc/sys/kernel/yama/ptrace_scope').trim() || 0);
  if (scope === 0) return null;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status'))?.[1] ?? '0';
  const privileged = (BigInt(`0x${effective}`) & CAP_SYS_PTRACE) !== 0n;
  if (privileged && scope < 3) return null;
  return `kernel.yama.ptrace_scope is ${scope}: SEND and RECV of programs that this process did not start will fail with EPERM: ${ADVICE.yama}`;
}

/** For the first call whose memory was refused. */
export function memoryRefusedWarning(): string {
  return `a program's memory can't be reached, its call failed with EPERM: ${memoryAccessWarning() === null ? ADVICE.other : ADVICE.yama}`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
