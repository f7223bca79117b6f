/** A file to be sent: refused before anything is sent where it can't be, and watched for changes while it is. */
import { constants } from 'node:fs';
import { access, type FileHandle, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { diskFailure, TransferFailure } from './failure.js';
import { nameProblem, printable } from './file-name.js';
import { type Control, dataMessage } from './messages.js';

/** A file that was named on the command line and can be sent, as far as one can tell. */
export interface Source {
  path: string;
  name: string;
  size: number;
}

/** Looks at every file before the first is sent. Rejects for the first that can't be sent. */
export async function examine(paths: readonly string[]): Promise<Source[]> {
  const sources: Source[] = [];
  const taken = new Map<string, string>();
  for (const path of paths) {
    const source = await examineOne(path);
    const other = taken.get(source.name);
    if (other !== undefined) {
      throw new CliError(EXIT.USAGE, `${other} and ${path} would be one file at the receiver, send them one by one`);
    }
    taken.set(source.name, path);
    sources.push(source);
  }
  return sources;
}

async function examineOne(path: string): Promise<Source> {
  const shown = printable(path);
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new CliError(EXIT.NO_INPUT, `${shown} is a folder, and files are sent: make an archive of it with tar`);
    }
    if (!found.isFile()) throw new CliError(EXIT.NO_INPUT, `${shown} is not a regular file`);
    const name = basename(resolve(path));
    const problem = nameProblem(name);
    if (problem !== null)
      throw new CliError(EXIT.NO_INPUT, `no receiver takes the name ${printable(name)}: ${problem}`);
    await access(path, constants.R_OK);
    return { path, name, size: found.size };
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function unreadable(shown: string, error: unknown): Error {
  const failure = diskFailure(shown, error);
  if (!(failure instanceof TransferFailure)) return failure;
  return new TransferFailure('unreadable', failure.message, { cause: error });
}

/** A file that is being sent. */
export class OpenSource {
  readonly offer: Control<'offer'>;
  readonly handle: FileHandle;
  readonly #path: string;
  /** What is sent is a copy, which nobody changes. */
  readonly #copied: boolean;

  private constructor(path: string, handle: FileHandle, offer: Control<'offer'>, copied: boolean) {
    this.#path = path;
    this.handle = handle;
    this.offer = offer;
    this.#copied = copied;
  }

  /** Rejects with a TransferFailure `unreadable` where it is gone meanwhile. */
  static async open({ path, name }: Source): Promise<OpenSource> {
    try {
      // Without O_NONBLOCK a FIFO that took the file's place would be waited on for ever.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const found = await handle.stat({ bigint: true });
        if (!found.isFile())
          throw new TransferFailure('unreadable', `${printable(path)} is not a regular file any more`);
        const mode = Number(found.mode & 0o777n);
        const copy = hasNoSize(found) ? await copyOf(handle) : null;
        const size = copy?.size ?? Number(found.size);
        const offer = { type: 'offer', name, size, mode, mtimeNs: String(found.mtimeNs) } as const;
        if (copy === null) return new OpenSource(path, handle, offer, false);
        await handle.close();
        return new OpenSource(path, copy.handle, offer, true);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw unreadable(printable(path), error);
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
        throw unreadable(printable(this.#path), error);
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
    return new TransferFailure('changed', `${printable(this.#path)} changed while it was sent, send it again`);
  }
}

/** Bytes of a file of sysfs, whose size is that of a page whatever is in it. */
const PAGE_BYTES = 4096n;

/** Files of /proc say 0, those of /sys a page, and neither takes up any block: how long they are, only reading tells. */
function hasNoSize({ size, blocks }: { size: bigint; blocks: bigint }): boolean {
  return size === 0n || (blocks === 0n && size <= PAGE_BYTES);
}

/** All that can be read of `source`, in a file without a name, which is gone with its handle. */
async function copyOf(source: FileHandle): Promise<{ handle: FileHandle; size: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-ts-send-'));
  try {
    const handle = await open(join(folder, 'copy'), 'wx+', 0o600);
    try {
      const buffer = Buffer.allocUnsafe(65_536);
      for (let size = 0; ; ) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return { handle, size };
        await handle.writeFile(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
