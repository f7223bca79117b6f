/**
 * A file that is arriving: `.NAME.pool-part` has its bytes, `.NAME.pool-part.json` says what they are a part of. The final
 * name appears when everything is there and on disk, and not before.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure, TransferFailure } from './failure.js';
import { partName, recordName } from './file-name.js';
import type { ControlMessage } from './messages.js';

type Offer = ControlMessage<'offer'>;

/** Bits of the mode that a peer may set, as far as the umask lets: never setuid, setgid or sticky. */
const MODE_MASK = 0o777;
const MAX_RECORD_BYTES = 1024;
/** A link in the place of a file would write elsewhere; a FIFO would block. */
const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a regular file; null where there is none. Anything else of that name, links included, is refused. */
async function openOwn(path: string, flags: number): Promise<FileHandle | null> {
  try {
    if (!(await lstat(path)).isFile()) throw strange();
    return await open(path, flags | SAFE);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw code === 'ELOOP' || code === 'ENXIO' ? strange(error) : error;
  }
}

function strange(cause?: unknown): TransferFailure {
  const message = 'a link, a folder or something else that is no file has the name of its partial file';
  return new TransferFailure('exists', message, { cause });
}

export class PartialFile {
  readonly handle: FileHandle;
  readonly #folder: string;
  readonly #offer: Offer;
  #length: number;

  private constructor(folder: string, offer: Offer, handle: FileHandle, length: number) {
    this.#folder = folder;
    this.#offer = offer;
    this.handle = handle;
    this.#length = length;
  }

  /** What has arrived of the same file before: same size, same time. Null where there is nothing to go on from. */
  static async find(folder: string, offer: Offer): Promise<PartialFile | null> {
    const recorded = await isRecorded(folder, offer);
    const handle = await openOwn(join(folder, partName(offer.name)), constants.O_RDWR);
    if (handle === null) return null;
    const { size, nlink } = await handle.stat();
    // A second name: the machine stopped between giving the final name and taking this one away.
    if (recorded && size <= offer.size && nlink === 1) return new PartialFile(folder, offer, handle, size);
    await handle.close();
    return null;
  }

  /** Begins anew; what was there before is gone. */
  static async create(folder: string, offer: Offer): Promise<PartialFile> {
    await remove(folder, offer.name);
    // The record comes first: a part without a record counts as nothing, one with another's record would count.
    await writeRecord(folder, offer);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFE;
    const handle = await open(join(folder, partName(offer.name)), flags, 0o600);
    return new PartialFile(folder, offer, handle, 0);
  }

  /** Takes away what is there of `name`, as after the final file turned out to be complete. */
  static async remove(folder: string, name: string): Promise<void> {
    await remove(folder, name);
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  /** Writes at the end. */
  async append(buffers: readonly Uint8Array[]): Promise<void> {
    let left = buffers.filter(({ length }) => length > 0);
    while (left.length > 0) {
      const { bytesWritten } = await this.handle.writev(left, this.#length);
      this.#length += bytesWritten;
      left = rest(left, bytesWritten);
    }
  }

  /** Gives it mode, time and its final name, all of it on disk. Rejects with `exists` where the name is taken. */
  async place(options: { overwrite: boolean }): Promise<void> {
    const { name, mode, mtimeNs } = this.#offer;
    const part = join(this.#folder, partName(name));
    const final = join(this.#folder, name);
    await this.handle.chmod(mode & MODE_MASK & ~process.umask());
    await this.handle.utimes(new Date(), fileTime(BigInt(mtimeNs)));
    await this.handle.sync();
    if (options.overwrite) await replace(part, final);
    else await add(part, final);
    await syncFolder(this.#folder);
    await gone(join(this.#folder, recordName(name)));
  }

  /** Keeps what is there for the next time. */
  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Leaves nothing. */
  async discard(): Promise<void> {
    await this.handle.close();
    await remove(this.#folder, this.#offer.name);
  }
}

/** As utimes takes it. A negative number would be the present to it, a Date of before 1970 is what it is, to the ms. */
function fileTime(ns: bigint): number | Date {
  if (ns >= 0n) return Number(ns / 1000n) / 1e6;
  return new Date(Number((ns - 999_999n) / 1_000_000n));
}

/** What is left to write of `buffers` after `written` bytes. */
function rest(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  return buffers.flatMap((buffer) => {
    const from = Math.min(skip, buffer.length);
    skip -= from;
    return from === buffer.length ? [] : [buffer.subarray(from)];
  });
}

async function replace(part: string, final: string): Promise<void> {
  const there = await lstat(final).catch(() => null);
  if (there !== null && !there.isFile()) throw new TransferFailure('exists', 'something that is no file has its name');
  await rename(part, final);
}

/** Without replacing anything: rename would, link does not. */
async function add(part: string, final: string): Promise<void> {
  try {
    await link(part, final);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(error);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    // A file system without links, as FAT. Between the look and the rename somebody might slip in.
    if ((await lstat(final).catch(() => null)) !== null) throw alreadyThere(error);
    await rename(part, final);
    return;
  }
  await gone(part);
}

/** What a receiver says where the final name is taken. */
export function alreadyThere(cause?: unknown): TransferFailure {
  const message = 'there is another file of this name, and --overwrite was not given to pool-ts receive';
  return new TransferFailure('exists', message, { cause });
}

/** A name is on disk when its folder is. Some file systems have no such thing. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EIO' || code === 'ENOSPC' || code === 'EDQUOT') throw diskFailure('the folder', error);
  }
}

async function isRecorded(folder: string, { name, size, mtimeNs }: Offer): Promise<boolean> {
  const handle = await openOwn(join(folder, recordName(name)), constants.O_RDONLY);
  if (handle === null) return false;
  try {
    const buffer = Buffer.alloc(MAX_RECORD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const record = JSON.parse(buffer.toString('utf8', 0, bytesRead)) as { size?: unknown; mtimeNs?: unknown } | null;
    return record?.size === size && record.mtimeNs === mtimeNs;
  } catch (error) {
    if (error instanceof SyntaxError) return false; // half written, or not ours
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeRecord(folder: string, { name, size, mtimeNs }: Offer): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | SAFE;
  const handle = await open(join(folder, recordName(name)), flags, 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ size, mtimeNs })}\n`);
  } finally {
    await handle.close();
  }
}

/** The part goes first: it counts for nothing without its record. */
async function remove(folder: string, name: string): Promise<void> {
  await gone(join(folder, partName(name)));
  await gone(join(folder, recordName(name)));
}

async function gone(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
