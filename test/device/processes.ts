/** What /proc tells of a process: threads, descriptors, and what its threads are blocked in. */
import { readdirSync, readFileSync } from 'node:fs';

/** ioctl's number on x86-64 and on arm64. */
const IOCTL = process.arch === 'arm64' ? '29' : '16';

export const threads = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;
export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Threads that are inside an ioctl. */
export function inIoctl(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.filter((task) => syscall(pid, task).startsWith(`${IOCTL} `)).length;
}

/** Sessions whose messages reach the process through memory that it shares with the device. */
export function ringsOf(pid: number): number {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  return maps.split('\n').filter((line) => line.includes('/memfd:pool-ts session')).length;
}

function syscall(pid: number, task: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${task}/syscall`, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** Looks again and again, until it holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Rejects where `work` takes longer than `ms`. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
