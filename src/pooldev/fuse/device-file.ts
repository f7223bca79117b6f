/**
 * The one file of the file system: answers every FUSE request, and hands the ioctls on. Bytes in, bytes out; no I/O, so
 * that any bytes can be tried on it.
 */
import { constants as fs } from 'node:fs';
import { IocDirection, iocSize } from '../../poolioc/abi/ioctl.js';
import type { Caller } from '../memory/caller.js';
import { type DeviceCall, ERESTARTSYS, type Interruption } from '../requests/device-call.js';
import { Errno } from '../../base/errno.js';
import {
  decodeHeader,
  decodeInit,
  decodeInterrupt,
  decodeIoctl,
  decodeSetattr,
  encodeAttributes,
  encodeInit,
  encodeIoctl,
  encodeOpen,
  encodeReply,
  encodeStatfs,
  FATTR_GID,
  FATTR_MODE,
  FATTR_UID,
  type FileAttributes,
  FOPEN_DIRECT_IO,
  FOPEN_NONSEEKABLE,
  FUSE_MAJOR,
  IN_HEADER_BYTES,
  Opcode,
  type RequestHeader,
} from './protocol.js';
import { WaitingCalls } from './waiting-calls.js';
import { InterruptWatch } from '../requests/interrupt-watch.js';
import type { PendingSignals } from '../requests/pending-signals.js';

/** Seconds for which the kernel keeps the attributes; changes go through it and so are seen at once. */
const ATTRIBUTES_VALID = 60;

/** The least that FUSE allows; nothing can be written to the device anyhow. */
const MAX_WRITE = 4096;

export interface DeviceFileOptions {
  /** Owner and permissions that the file begins with; chmod and chown change them as on any device node. */
  uid: number;
  gid: number;
  mode: number;
  /** Others than the owner and root may call too, as far as the mode lets them. */
  allowOther: boolean;
  /** A whole FUSE answer. */
  send(reply: Buffer): void;
  handle(call: DeviceCall): void;
  /** The process that a thread belongs to. */
  processOf: (thread: number) => number;
  signals(thread: number): PendingSignals;
}

export class DeviceFile {
  readonly #options: DeviceFileOptions;
  readonly #attributes: FileAttributes;
  readonly #calls: WaitingCalls<FuseCall>;
  readonly #interrupted: InterruptWatch<FuseCall>;

  constructor(options: DeviceFileOptions) {
    this.#options = options;
    const { uid, gid, mode } = options;
    this.#attributes = { mode: fs.S_IFREG | (mode & 0o777), uid, gid, time: Math.floor(Date.now() / 1000) };
    this.#calls = new WaitingCalls(options.processOf);
    this.#interrupted = new InterruptWatch((thread) => options.signals(thread));
  }

  /** Calls that wait for their answer. */
  get pending(): number {
    return this.#calls.size;
  }

  /** One request as it was read; what is none is dropped. Never throws: a fault of ours is EIO for its caller. */
  request(bytes: Buffer): void {
    const header = decodeHeader(bytes);
    if (header === null) return;
    try {
      this.#dispatch(header, bytes.subarray(IN_HEADER_BYTES));
    } catch {
      this.#forget(header.unique);
      this.#reply(header, -Errno.EIO);
    }
  }

  /** Answers every call that still waits. */
  abort(errno: number): void {
    for (const call of this.#calls.all()) call.fail(errno);
  }

  #dispatch(header: RequestHeader, body: Buffer): void {
    switch (header.opcode) {
      case Opcode.IOCTL:
        this.#ioctl(header, body);
        return;
      case Opcode.INTERRUPT:
        this.#interrupt(body);
        return;
      case Opcode.INIT:
        this.#init(header, body);
        return;
      case Opcode.GETATTR:
        this.#reply(header, 0, encodeAttributes(this.#attributes, ATTRIBUTES_VALID));
        return;
      case Opcode.SETATTR:
        this.#setattr(header, body);
        return;
      case Opcode.OPEN:
        if (this.#mayUse(header)) this.#reply(header, 0, encodeOpen(FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE));
        else this.#reply(header, -Errno.EACCES);
        return;
      case Opcode.STATFS:
        this.#reply(header, 0, encodeStatfs());
        return;
      case Opcode.RELEASE:
      case Opcode.FLUSH:
      case Opcode.ACCESS:
      case Opcode.DESTROY:
        this.#reply(header, 0);
        return;
      case Opcode.READ:
      case Opcode.WRITE:
      case Opcode.FSYNC:
        // As the character device, which has none of the three.
        this.#reply(header, -Errno.EINVAL);
        return;
      case Opcode.FORGET:
      case Opcode.BATCH_FORGET:
        return;
      default:
        this.#reply(header, -Errno.ENOSYS);
    }
  }

  #init(header: RequestHeader, body: Buffer): void {
    const init = decodeInit(body);
    if (init === null || init.major < FUSE_MAJOR) this.#reply(header, -Errno.EPROTO);
    else this.#reply(header, 0, encodeInit(init, MAX_WRITE));
  }

  /** The kernel has checked who may (default_permissions). Times and size are nobody's business. */
  #setattr(header: RequestHeader, body: Buffer): void {
    const request = decodeSetattr(body);
    if (request === null) {
      this.#reply(header, -Errno.EINVAL);
      return;
    }
    const { valid, mode, uid, gid } = request;
    if (valid & FATTR_MODE) this.#attributes.mode = fs.S_IFREG | (mode & 0o777);
    if (valid & FATTR_UID) this.#attributes.uid = uid;
    if (valid & FATTR_GID) this.#attributes.gid = gid;
    this.#reply(header, 0, encodeAttributes(this.#attributes, ATTRIBUTES_VALID));
  }

  #ioctl(header: RequestHeader, body: Buffer): void {
    // An answer to a second call of that name would go to the first.
    if (this.#calls.get(header.unique) !== undefined) return;
    const ioctl = decodeIoctl(body);
    if (ioctl === null) {
      this.#reply(header, -Errno.EINVAL);
      return;
    }
    const { command, input } = ioctl;
    if (!this.#mayUse(header)) this.#reply(header, -Errno.EACCES);
    else if (input.length !== inputBytes(command)) this.#reply(header, -Errno.EINVAL);
    else if (this.#calls.isFull(header.pid)) this.#reply(header, -Errno.EBUSY);
    else {
      const call = new FuseCall(command, Buffer.from(input), header, (result, output) => {
        this.#forget(header.unique);
        // FUSE takes no ERESTARTSYS as the error of a request, but hands on whatever an ioctl is said to return.
        if (result < 0 && result !== -ERESTARTSYS) this.#reply(header, result);
        else this.#reply(header, 0, encodeIoctl(result, output?.subarray(0, ioctl.outputBytes)));
      });
      this.#calls.add(header.unique, call);
      this.#options.handle(call);
    }
  }

  /** Needs no answer of its own: the request that it names gets one. One that was answered meanwhile is not known here. */
  #interrupt(body: Buffer): void {
    const unique = decodeInterrupt(body);
    const call = unique === null ? undefined : this.#calls.get(unique);
    if (call !== undefined) this.#interrupted.add(call);
  }

  #forget(unique: bigint): void {
    const call = this.#calls.delete(unique);
    if (call !== undefined) this.#interrupted.drop(call);
  }

  /** An fd may have been passed on to somebody whom the kernel would not have let open the file. */
  #mayUse({ uid }: RequestHeader): boolean {
    return this.#options.allowOther || uid === this.#attributes.uid || uid === this.#options.uid || uid === 0;
  }

  #reply(header: RequestHeader, error: number, body?: Uint8Array): void {
    this.#options.send(encodeReply(header.unique, error, body));
  }
}

/** What the kernel takes from the caller's struct: all of it where the number has the direction "write", else nothing. */
const inputBytes = (command: number): number => ((command >>> 30) & IocDirection.WRITE ? iocSize(command) : 0);

class FuseCall implements DeviceCall {
  readonly command: number;
  readonly argument: Buffer;
  readonly caller: Caller;
  onInterrupt: ((interruption: Interruption) => void) | null = null;
  onAnswer: (() => void) | null = null;
  #interrupted = false;
  #answer: ((result: number, output?: Uint8Array) => void) | null;

  constructor(
    command: number,
    argument: Buffer,
    caller: Caller,
    answer: (result: number, output?: Uint8Array) => void,
  ) {
    this.command = command;
    this.argument = argument;
    this.caller = { pid: caller.pid, uid: caller.uid };
    this.#answer = answer;
  }

  succeed(result: number, argument?: Uint8Array): void {
    const answer = this.#answer;
    this.#answer = null;
    if (answer === null) return;
    answer(result, argument);
    this.onAnswer?.();
  }

  fail(errno: number): void {
    this.succeed(-errno);
  }

  restart(): void {
    // Without a signal at hand the number would come out at the caller, which knows no such errno.
    this.fail(this.#interrupted ? ERESTARTSYS : Errno.EINTR);
  }

  interrupt(interruption: Interruption): void {
    this.#interrupted = true;
    if (this.onInterrupt !== null) this.onInterrupt(interruption);
    else if (interruption.signals().killed) this.restart();
  }
}
