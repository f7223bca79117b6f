/**
 * Memory that a program hands over for good, by descriptors of its own (CHANNEL_RINGS). Only a program of this process's own user,
 * or root's, may: it could stop this process by what it does to its memory, as it could by killing it.
 */
import { readlinkSync } from 'node:fs';
import { Errno } from '../../base/errno.js';
import type { RingLibc } from '../../poolioc/rings/ring-libc.js';
import { SEGMENT_BYTES } from '../../poolioc/rings/segment.js';
import type { ProgramMemory } from '../requests/slot-rings.js';
import { type Caller, threadGroup } from './caller.js';

export interface ProgramMemoriesOptions {
  libc: RingLibc;
  /** The user whom this process belongs to. */
  uid: number;
  processOf?: (thread: number) => number;
  readlink?: (path: string) => string;
}

export class ProgramMemories {
  readonly #options: Required<ProgramMemoriesOptions>;

  constructor(options: ProgramMemoriesOptions) {
    this.#options = { processOf: threadGroup, readlink: (path) => readlinkSync(path), ...options };
  }

  /**
   * The program's memory and socket as this process's own. @returns a positive errno where they are none: EPERM for whom it doesn't
   * trust or can't look at, EBADF, and EINVAL for what is no memory of that size or no socket
   */
  open({ pid, uid }: Caller, memory: number, socket: number): ProgramMemory | number {
    const { libc, uid: own, processOf } = this.#options;
    if (pid === 0 || (uid !== own && uid !== 0)) return Errno.EPERM;
    const process = processOf(pid);
    // By their names first: a descriptor of this very device, once borrowed, would have to be closed by who answers for it.
    const refused = this.#check(process, memory, /^\/memfd:/) || this.#check(process, socket, /^socket:/);
    if (refused !== 0) return refused;
    const file = libc.borrow(process, memory);
    if (file < 0) return -file;
    const wrong = libc.checkMemory(file, SEGMENT_BYTES);
    const mapped = wrong === 0 ? libc.map(file, SEGMENT_BYTES) : null;
    libc.close(file);
    if (mapped === null) return wrong === 0 ? Errno.ENOMEM : Errno.EINVAL;
    const bell = libc.borrow(process, socket);
    return bell < 0 ? -bell : { libc, memory: mapped, socket: bell };
  }

  #check(process: number, fd: number, name: RegExp): number {
    try {
      return name.test(this.#options.readlink(`/proc/${process}/fd/${fd}`)) ? 0 : Errno.EINVAL;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? Errno.EBADF : Errno.EPERM;
    }
  }
}
