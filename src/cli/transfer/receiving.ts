/** One file that arrives: its name and folder, what is there of it, its data, its place, and what is left in the end. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, statfs } from 'node:fs/promises';
import { posix, join } from 'node:path';
import { bytesText } from '../screen/quantities.js';
import { broken, TransferFailure } from './failure.js';
import { partName, pathProblem, unusualName } from './file-name.js';
import { type ControlMessage, type Data, WINDOW_BYTES } from './messages.js';
import { alreadyThere, PartialFile } from './partial-file.js';
import { lockPart } from './part-lock.js';
import { digestSoFar, hashPrefix } from './prefix-hash.js';
import type { FileWatch } from './progress-view.js';
import { openSubFolder, type SubFolder } from './sub-folder.js';
import type { TransferConversation } from './transfer-conversation.js';

/** Bytes after which the sender is told that they are written. */
const ACK_EVERY_BYTES = WINDOW_BYTES / 16;
/** Bytes that are written in one call at most, give or take a message. */
const WRITE_BYTES = 1024 * 1024;
const NOTHING = createHash('sha256').digest('hex');

/** What one file needs to know. */
export interface ReceivingOptions {
  /** The folder below which everything goes, by its true path. */
  folder: string;
  overwrite: boolean;
  /** Whether hidden files, and those that look like options, are taken. */
  anyName: boolean;
  signal: AbortSignal;
  /** Gives the session up, since another one takes over. */
  stop(reason: Error): void;
  /** ms of silence after which another sender may take over. */
  patience: number;
}

export class Receiving {
  /** Bytes that were there. */
  offset = 0;
  /** All of it was there, under its final name. */
  complete = false;
  /** The sender has been told to go ahead and sends data. */
  started = false;
  /** It is on disk under its final name, whatever becomes of the session. */
  stored = false;
  sha256: string | undefined;
  readonly #talk: TransferConversation;
  /** Its name is the last part of what the sender offered. */
  readonly #offer: ControlMessage<'offer'>;
  readonly #path: string;
  readonly #watch: FileWatch;
  readonly #options: ReceivingOptions;
  #part: PartialFile | null = null;
  #unlock: (() => Promise<void>) | null = null;
  /** Where the file goes. */
  #folder: SubFolder | null = null;

  constructor(talk: TransferConversation, offer: ControlMessage<'offer'>, watch: FileWatch, options: ReceivingOptions) {
    this.#talk = talk;
    this.#path = offer.name;
    this.#offer = { ...offer, name: posix.basename(offer.name) };
    this.#watch = watch;
    this.#options = options;
  }

  /** Bytes that stay for the next time. */
  get kept(): number {
    return this.stored ? 0 : (this.#part?.length ?? 0);
  }

  /** Until the file is on disk and the sender knows. Rejects with what went wrong; call `end` in any case. */
  async run(): Promise<void> {
    const { overwrite } = this.#options;
    const { name, size } = this.#offer;
    const problem = pathProblem(this.#path) ?? (this.#options.anyName ? null : unusualName(this.#path));
    if (problem !== null) throw new TransferFailure('name', `the name is refused: ${problem}`);
    const folder = await this.#open();

    const hash = await this.#agree(folder);
    this.started = true;
    if (this.complete) {
      this.#requireEnd(await this.#talk.expect('end'), hash);
      this.stored = true;
      if (this.#part !== null) await this.#part.close();
      this.#part = null;
      await PartialFile.remove(folder, name);
    } else {
      const part = this.#part!;
      this.#watch.moved(this.offset);
      this.#requireEnd(await this.#data(part, hash), hash);
      this.#watch.note('writing to disk');
      await this.#talk.busy(part.place({ overwrite }));
      this.stored = true;
    }
    this.#watch.note(undefined);
    this.#watch.moved(size);
    await this.#talk.tell({ type: 'done', size, sha256: this.sha256! });
  }

  /** Closes what is open. What has arrived is kept, but where it is of no use. */
  async end(failure: unknown): Promise<void> {
    const useless = failure instanceof TransferFailure && ['digest', 'changed', 'protocol'].includes(failure.reason);
    const part = this.#part;
    try {
      if (part === null) return;
      if ((useless && this.started && !this.stored) || part.length === 0) {
        this.#part = null;
        await part.discard();
      } else {
        await part.close();
      }
    } finally {
      await this.#folder?.close();
      await this.#unlock?.();
    }
  }

  /** The file's folder, in which nobody else writes a file of the name now. */
  async #open(): Promise<string> {
    const { folder } = this.#options;
    const folders = this.#path.split('/').slice(0, -1);
    const writer = { ...this.#options, heard: () => this.#talk.heard() };
    // By the true path: there are no links in it.
    const part = join(folder, ...folders, partName(this.#offer.name));
    this.#unlock = await this.#talk.busy(lockPart(part, writer));
    this.#folder = await openSubFolder(folder, folders);
    return this.#folder.path;
  }

  /** Shows the sender what is there of the file, until both agree from where to send. */
  async #agree(folder: string): Promise<Hash> {
    const { overwrite } = this.#options;
    const { name, size } = this.#offer;
    const there = await lstat(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (there !== null && !there.isFile()) {
      throw new TransferFailure('exists', 'a link, a folder or something else that is no file has its name');
    }
    this.#part = await PartialFile.find(folder, this.#offer);
    if (there?.size === size && (!overwrite || this.#part === null)) {
      const hash = await this.#propose(await this.#hashFinal(folder), size, true);
      if (hash !== null) return hash;
      if (!overwrite) throw alreadyThere();
    } else if (there !== null && !overwrite) {
      throw alreadyThere();
    } else if (this.#part !== null && this.#part.length > 0) {
      await this.#requireRoom(folder, size - this.#part.length);
      const hash = await this.#propose(
        await this.#hash(this.#part.handle, this.#part.length),
        this.#part.length,
        false,
      );
      if (hash !== null) return hash;
    }
    // The same file is there twice while a new one comes to replace it.
    await this.#part?.close();
    this.#part = null;
    await PartialFile.remove(folder, name);
    await this.#requireRoom(folder, size);
    this.#part = await PartialFile.create(folder, this.#offer);
    const hash = await this.#propose(createHash('sha256'), 0, false);
    if (hash === null) throw broken('the sender begins with other bytes than nothing');
    return hash;
  }

  /** Gives the hash where the sender has the same bytes, null where it has others. */
  async #propose(hash: Hash, offset: number, complete: boolean): Promise<Hash | null> {
    const sha256 = offset === 0 ? NOTHING : digestSoFar(hash);
    // A stranger who offers a name would else learn what is in the file of that name.
    if (offset > 0 && !(await this.#senderHas(offset, sha256))) return null;
    await this.#talk.tell({ type: 'start', offset, sha256, complete });
    const answer = await this.#talk.expect('go', 'differs');
    if (answer.type === 'differs') return null;
    if (answer.offset !== offset) throw broken(`the sender begins at ${answer.offset} and not at ${offset}`);
    this.offset = offset;
    this.complete = complete;
    return hash;
  }

  async #senderHas(offset: number, sha256: string): Promise<boolean> {
    await this.#talk.tell({ type: 'show', offset });
    const shown = await this.#talk.expect('shown');
    if (shown.offset !== offset) throw broken(`the sender showed ${shown.offset} bytes and not ${offset}`);
    return shown.sha256 === sha256;
  }

  async #hashFinal(folder: string): Promise<Hash> {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(join(folder, this.#offer.name), flags);
    try {
      return await this.#hash(handle, this.#offer.size);
    } finally {
      await handle.close();
    }
  }

  async #hash(handle: FileHandle, length: number): Promise<Hash> {
    this.#watch.note(`checking the ${bytesText(length)} that are there`);
    const hash = await this.#talk.busy(hashPrefix(handle, length, { signal: this.#options.signal }));
    this.#watch.note(undefined);
    return hash;
  }

  /** A disk that is too small is told before it is full. */
  async #requireRoom(folder: string, bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (bytes <= free) return;
    const message = `no space left on the device: it takes ${bytesText(bytes)}, and ${bytesText(free)} are free`;
    throw new TransferFailure('disk', message);
  }

  /** Writes data until the sender says that this was all. */
  async #data(part: PartialFile, hash: Hash): Promise<ControlMessage<'end'>> {
    const { size } = this.#offer;
    let acked = part.length;
    for (let message = await this.#talk.next(); ; message = await this.#talk.next()) {
      if (message?.type !== 'data') return this.#talk.require(message, 'end');
      const { parts, after } = this.#collect(message);
      const length = parts.reduce((sum, bytes) => sum + bytes.length, 0);
      if (part.length + length > size) throw broken(`the sender sent more than the ${size} bytes that it announced`);
      const written = this.#talk.busy(part.append(parts));
      for (const bytes of parts) hash.update(bytes);
      await written;
      this.#watch.moved(part.length);
      if (part.length - acked >= ACK_EVERY_BYTES || part.length === size) {
        acked = part.length;
        await this.#talk.tell({ type: 'ack', received: acked });
      }
      if (after !== undefined) return this.#talk.require(after, 'end');
    }
  }

  /** Data that is here already goes to disk in one call; `after` is the message behind it, where that is no data. */
  #collect(first: Data): { parts: Uint8Array[]; after?: ControlMessage | null } {
    const parts = [first.bytes];
    for (let bytes = first.bytes.length; bytes < WRITE_BYTES; ) {
      const message = this.#talk.poll();
      if (message === undefined) return { parts };
      if (message?.type !== 'data') return { parts, after: message };
      parts.push(message.bytes);
      bytes += message.bytes.length;
    }
    return { parts };
  }

  #requireEnd(end: ControlMessage<'end'>, hash: Hash): void {
    const { size } = this.#offer;
    const received = this.complete ? size : this.#part!.length;
    if (end.size !== size || received !== size) {
      throw broken(`the sender ended after ${received} bytes of the ${size} that it announced`);
    }
    this.sha256 = hash.digest('hex');
    if (end.sha256 === this.sha256) return;
    throw new TransferFailure('digest', `what arrived has SHA-256 ${this.sha256}, and what was sent ${end.sha256}`);
  }
}
