/** A file to be sent: refused before anything is sent where it can't be, and watched for changes while it is. */
import { constants } from 'node:fs';
import { access, type FileHandle, mkdtemp, open, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { diskFailure, TransferFailure } from './failure.js';
import { nameProblem, pathProblem, printableName } from './file-name.js';
import { filesBelow, type Skipped } from './folder-walk.js';
import { type ControlMessage, dataMessage, MAX_FILES } from './messages.js';
import { openSubFolder } from './sub-folder.js';

/** A file that was named on the command line, or is below a folder that was, and can be sent, as far as one can tell. */
export interface SourceFile {
  path: string;
  /** At the receiver; that of a folder's file begins with the folder's. */
  name: string;
  /** Bytes; 0 where only reading tells. */
  size: number;
  /** Standard input, in the place of a file. */
  input?: Readable;
  /** Found below a folder, where links are left out: one that takes its place, or a folder's, is not followed either. */
  found?: Found;
}

/** Where it was found: the true path of the folder that was named, and the names from there on, its own the last. */
export interface Found {
  root: string;
  names: readonly string[];
}

/** What `-` stands for. */
export interface StandardInput {
  input: Readable;
  /** Its name at the receiver. */
  name: string;
}

const DASH = '-';
/** Of a file that comes from a pipe: as a shell's redirection makes one. */
const PIPED_MODE = 0o666;

/** How {@link examine} goes about it. */
export interface ExamineOptions {
  standard?: StandardInput;
  /** Is told what is left out of folders. */
  skipped?: Skipped;
}

/**
 * Looks at every file before the first is sent, those below folders included. Rejects for the first that can't be sent, and
 * for a folder without one.
 */
export async function examine(paths: readonly string[], options: ExamineOptions = {}): Promise<SourceFile[]> {
  const { standard } = options;
  const taken = new Map<string, SourceFile>();
  const take = (source: SourceFile): void => {
    const other = taken.get(source.name);
    if (other !== undefined) {
      const both = `${printableName(other.path)} and ${printableName(source.path)}`;
      throw new CliError(EXIT.USAGE, `${both} would be one file at the receiver, send them one by one`);
    }
    if (taken.size === MAX_FILES) throw new CliError(EXIT.USAGE, `these are more than ${MAX_FILES} files`);
    taken.set(source.name, source);
  };
  for (const path of paths) {
    if (path === DASH && standard !== undefined) take(piped(standard));
    else await examineOne(path, take, options.skipped);
  }
  return [...taken.values()];
}

function piped({ input, name }: StandardInput): SourceFile {
  requireName(name, nameProblem(name));
  return { path: DASH, name, size: 0, input };
}

function requireName(name: string, problem: string | null): void {
  if (problem === null) return;
  throw new CliError(EXIT.NO_INPUT, `no receiver takes the name ${printableName(name)}: ${problem}; rename it`);
}

async function examineOne(path: string, take: (source: SourceFile) => void, skipped: Skipped = () => undefined) {
  const shown = printableName(path);
  const name = basename(resolve(path));
  try {
    const entry = await stat(path);
    if (!entry.isDirectory()) return take(await sourceOf(path, name));
    let files = 0;
    const root = await realpath(path);
    for await (const file of filesBelow(path, name, skipped)) {
      files++;
      const names = file.name.split('/').slice(1);
      take({ ...(await sourceOf(file.path, file.name)), found: { root, names } });
    }
    if (files === 0) throw new CliError(EXIT.NO_INPUT, `there is no regular file in the folder ${shown}`);
  } catch (error) {
    throw unreadable(shown, error);
  }
}

async function sourceOf(path: string, name: string): Promise<SourceFile> {
  const shown = printableName(path);
  try {
    const entry = await stat(path);
    if (!entry.isFile()) throw new CliError(EXIT.NO_INPUT, `${shown} is not a regular file`);
    requireName(name, pathProblem(name));
    await access(path, constants.R_OK);
    return { path, name, size: entry.size };
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function unreadable(shown: string, error: unknown): Error {
  const failure = diskFailure(shown, error);
  if (!(failure instanceof TransferFailure) || failure.reason === 'unreadable') return failure;
  const message = failure === error ? `${shown}: ${failure.message}` : failure.message;
  return new TransferFailure('unreadable', message, { cause: error });
}

/** A file that is being sent. */
export class OpenSource {
  readonly offer: ControlMessage<'offer'>;
  readonly handle: FileHandle;
  readonly #path: string;
  /** What is sent is a copy, which nobody changes. */
  readonly #copied: boolean;

  private constructor(path: string, handle: FileHandle, offer: ControlMessage<'offer'>, copied: boolean) {
    this.#path = path;
    this.handle = handle;
    this.offer = offer;
    this.#copied = copied;
  }

  /** Rejects with a TransferFailure `unreadable` where it is gone meanwhile. */
  static async open({ path, name, input, found }: SourceFile): Promise<OpenSource> {
    try {
      if (input !== undefined) {
        const { handle, size } = await copyOf(input as AsyncIterable<Uint8Array>);
        const mtimeNs = String(BigInt(Date.now()) * 1_000_000n);
        return new OpenSource(path, handle, { type: 'offer', name, size, mode: PIPED_MODE, mtimeNs }, true);
      }
      // Without O_NONBLOCK a FIFO that took the file's place would be waited on for ever.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      const handle = await (found === undefined ? open(path, flags) : openFound(found, flags | constants.O_NOFOLLOW));
      try {
        const entry = await handle.stat({ bigint: true });
        if (!entry.isFile())
          throw new TransferFailure('unreadable', `${printableName(path)} is not a regular file any more`);
        const mode = Number(entry.mode & 0o777n);
        const copy = hasNoSize(entry) ? await copyOf(piecesOf(handle)) : null;
        const size = copy?.size ?? Number(entry.size);
        const offer = { type: 'offer', name, size, mode, mtimeNs: String(entry.mtimeNs) } as const;
        if (copy === null) return new OpenSource(path, handle, offer, false);
        await handle.close();
        return new OpenSource(path, copy.handle, offer, true);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw unreadable(printableName(path), error);
    }
  }

  /** Data messages with the bytes from `at` to `at + length`, each of at most `payload` bytes. */
  async read(at: number, length: number, payload: number): Promise<{ message: Buffer; payload: Buffer }[]> {
    const parts: { message: Buffer; payload: Buffer }[] = [];
    for (let done = 0; done < length; ) {
      const part = dataMessage(Math.min(payload, length - done));
      await this.#fill(part.payload, at + done);
      parts.push(part);
      done += part.payload.length;
    }
    return parts;
  }

  async #fill(buffer: Buffer, at: number): Promise<void> {
    for (let filled = 0; filled < buffer.length; ) {
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.handle.read(buffer, filled, buffer.length - filled, at + filled));
      } catch (error) {
        throw unreadable(printableName(this.#path), error);
      }
      if (bytesRead === 0) throw this.#changed();
      filled += bytesRead;
    }
  }

  /** Rejects where size or time are not what was offered: what was sent is then no state that the file ever had. */
  async requireUnchanged(): Promise<void> {
    if (this.#copied) return;
    const { size, mtimeNs } = await this.handle.stat({ bigint: true });
    if (Number(size) !== this.offer.size || String(mtimeNs) !== this.offer.mtimeNs) throw this.#changed();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  #changed(): TransferFailure {
    return new TransferFailure('changed', `${printableName(this.#path)} changed while it was sent, send it again`);
  }
}

async function openFound({ root, names }: Found, flags: number): Promise<FileHandle> {
  const folder = await openSubFolder(root, names.slice(0, -1), 'told');
  try {
    return await open(join(folder.path, names.at(-1)!), flags);
  } finally {
    await folder.close();
  }
}

/** Bytes of a file of sysfs, whose size is that of a page whatever is in it. */
const PAGE_BYTES = 4096n;

/** Files of /proc say 0, those of /sys a page, and neither takes up any block: how long they are, only reading tells. */
function hasNoSize({ size, blocks }: { size: bigint; blocks: bigint }): boolean {
  return size === 0n || (blocks === 0n && size <= PAGE_BYTES);
}

/** What can be read of a file from where it stands, in memory that is used again. */
async function* piecesOf(source: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(65_536);
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** All that can be read of `source`, in a file that is gone with its handle. */
async function copyOf(source: AsyncIterable<Uint8Array>): Promise<{ handle: FileHandle; size: number }> {
  const handle = await unnamed().catch(noCopy);
  try {
    let size = 0;
    for await (const piece of source) {
      await handle.writeFile(piece).catch(noCopy);
      size += piece.length;
    }
    return { handle, size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** It is not the source that fails. The receiver is told of a file that can't be read either way, and takes the others. */
function noCopy(cause: unknown): never {
  const { code } = cause as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const what = `${isFull ? 'no room' : 'no file can be written'} in ${printableName(tmpdir())} for what is read`;
  const exitCode = isFull ? EXIT.IO : EXIT.CANNOT_CREATE;
  throw new TransferFailure('unreadable', `${what} (${code}); TMPDIR names another folder`, { exitCode, cause });
}

/** A file without a name: a process that is killed while its pipe takes its time leaves nothing behind. */
async function unnamed(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-ts-send-'));
  try {
    return await open(join(folder, 'copy'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
