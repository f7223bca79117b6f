/** The sending side of a session: every file is offered, sent from where the receiver has it, and confirmed. */
import type { Hash } from 'node:crypto';
import { lineOf } from '../cli-error.js';
import { bytesText } from '../screen/quantities.js';
import { Credit } from './credit.js';
import { asError, broken, TransferFailure } from './failure.js';
import { type ControlMessage, type Data, failMessage, PROTOCOL, TRANSFER_VERSION, WINDOW_BYTES } from './messages.js';
import { digestSoFar, hashPrefix } from './prefix-hash.js';
import type { FileWatch } from './progress-view.js';
import type { Result, TransferOptions } from './outcome.js';
import { OpenSource, type SourceFile } from './source-file.js';
import { PeerFailure, TransferConversation, type TransferConn } from './transfer-conversation.js';

/** Bytes that are read and handed to the session at a time. */
const BATCH_BYTES = 512 * 1024;

/** Sends all of `sources`, and closes the session. Rejects when the session breaks; the files that are left are reported too. */
export async function sendFiles(
  conn: TransferConn,
  sources: readonly SourceFile[],
  options: TransferOptions,
): Promise<void> {
  const talk = new TransferConversation(conn, 'receiver', options);
  let next = 0;
  try {
    await talk.tell({ type: 'hello', protocol: PROTOCOL, version: TRANSFER_VERSION, files: sources.length });
    const { version, window } = await talk.expect('welcome');
    if (version !== TRANSFER_VERSION)
      throw broken(`the receiver speaks version ${version}, and this is version ${TRANSFER_VERSION}`);
    const sender = new FileSender(talk, Math.min(window, WINDOW_BYTES), options);
    while (next < sources.length) await sender.send(sources[next++]!);
  } catch (error) {
    const why = options.signal.aborted ? 'stopped' : lineOf(error);
    const text = next === 0 ? why : 'not sent, since the session is over';
    for (const source of sources.slice(next)) {
      options.report({ ...emptyResult(source, options), error: `${source.name}: ${text}` }, error);
    }
    const own = error instanceof TransferFailure && !(error instanceof PeerFailure);
    if (options.signal.aborted) await talk.giveUp('stopped', 'it was stopped');
    else if (own) await talk.giveUp(error.reason, error.message);
    throw error;
  } finally {
    // Everything was confirmed, or is given up: nothing can be lost by closing.
    await conn.close({ closeTimeout: 2000 }).catch(() => undefined);
  }
}

function emptyResult({ name, size }: SourceFile, { peer }: TransferOptions): Result {
  return { name, size, status: 'failed', resumedFrom: 0, seconds: 0, peer };
}

class FileSender {
  readonly #talk: TransferConversation;
  readonly #window: number;
  readonly #options: TransferOptions;

  constructor(talk: TransferConversation, window: number, options: TransferOptions) {
    this.#talk = talk;
    this.#window = window;
    this.#options = options;
  }

  /** Sends one file. Rejects when the session can't go on; a file that alone failed is only reported. */
  async send(source: SourceFile): Promise<void> {
    const { view, signal } = this.#options;
    const result = emptyResult(source, this.#options);
    const watch = view.file(source.name, source.size);
    const began = performance.now();
    let failure: Error | null = null;
    const sending = new FileSending(this.#talk, this.#window, watch, signal);
    try {
      await sending.run(source);
    } catch (error) {
      failure = asError(error);
    }
    watch.end();
    result.seconds = Math.round(performance.now() - began) / 1000;
    result.size = sending.size ?? source.size;
    result.resumedFrom = sending.offset;
    result.sha256 = sending.sha256;
    if (failure === null) {
      result.status = sending.complete ? 'identical' : 'sent';
    } else {
      if (sending.stage === 'ended' && !(failure instanceof TransferFailure)) result.status = 'unknown';
      result.error = `${source.name}: ${this.#told(failure, result, sending)}`;
    }
    this.#options.report(result, failure);
    if (failure !== null && !this.#fileAlone(failure, sending)) throw failure;
    // The receiver learns of a file that can't be sent, or not to its end, from a message in its place.
    if (failure instanceof TransferFailure && !(failure instanceof PeerFailure)) {
      await this.#talk.tell(failMessage(failure.reason, failure.message));
      if (sending.stage === 'data') await sending.given();
    }
  }

  /** A receiver that fails in the middle has data under way that it won't read: the session is over then. */
  #fileAlone(failure: Error, { stage }: FileSending): boolean {
    if (failure instanceof PeerFailure)
      return stage === 'offered' && failure.reason !== 'stopped' && failure.reason !== 'protocol';
    return failure instanceof TransferFailure && (failure.reason === 'changed' || failure.reason === 'unreadable');
  }

  #told(failure: Error, { status, size }: Result, { stage, confirmed }: FileSending): string {
    const why = this.#options.signal.aborted ? 'stopped' : lineOf(failure);
    const said = failure instanceof PeerFailure ? `the receiver says: ${why}` : why;
    if (status === 'unknown') {
      return `all ${bytesText(size)} were sent, and it is not known whether the receiver has stored them: ${said}; send it again, and only what is missing is sent`;
    }
    const goesOn = !(failure instanceof TransferFailure) || ['stopped', 'disk'].includes(failure.reason);
    if (stage === 'offered' || !goesOn || confirmed === 0) return said;
    return `${said}; the receiver has ${bytesText(confirmed)} of ${bytesText(size)}, the same command goes on from there`;
  }
}

/** One file under way. */
class FileSending {
  /** `offered`: no data yet. `data`: under way. `ended`: everything is sent, and the receiver has the word. */
  stage: 'offered' | 'data' | 'ended' = 'offered';
  /** Bytes that the receiver had. */
  offset = 0;
  /** Bytes that were offered, once they were. */
  size: number | undefined;
  /** It had all of it, finished. */
  complete = false;
  sha256: string | undefined;
  readonly #talk: TransferConversation;
  readonly #window: number;
  readonly #watch: FileWatch;
  readonly #signal: AbortSignal;
  #credit: Credit | null = null;

  constructor(talk: TransferConversation, window: number, watch: FileWatch, signal: AbortSignal) {
    this.#talk = talk;
    this.#window = window;
    this.#watch = watch;
    this.#signal = signal;
  }

  /** Bytes that the receiver has written. */
  get confirmed(): number {
    return this.#credit?.confirmed ?? 0;
  }

  async run(source: SourceFile): Promise<void> {
    // What comes from a pipe may take its time, and the receiver is told that this side is there.
    const file = await this.#talk.busy(OpenSource.open(source));
    try {
      this.size = file.offer.size;
      await this.#talk.tell(file.offer);
      const hash = await this.#agree(file);
      this.#credit = new Credit(this.offset, this.#window);
      await this.#talk.tell({ type: 'go', offset: this.offset });
      this.stage = 'data';
      this.#watch.moved(this.offset);
      await this.#data(file, hash, this.#credit);
      await file.requireUnchanged();
      const { size } = file.offer;
      this.sha256 = hash.digest('hex');
      this.stage = 'ended';
      await this.#talk.tell({ type: 'end', size, sha256: this.sha256 });
      await this.#confirmed(size, this.#credit);
    } finally {
      await file.close();
    }
  }

  /** Finds out from where to send: gives the hash of what the receiver has already. */
  async #agree(file: OpenSource): Promise<Hash> {
    const { size } = file.offer;
    let shown: { offset: number; hash: Hash } | null = null;
    for (let differed = false; ; ) {
      const asked = await this.#talk.expect('show', 'start');
      const { offset } = asked;
      if (offset > size || (asked.type === 'start' && asked.complete && offset !== size)) {
        throw broken(`the receiver says that it has ${offset} bytes of ${size}`);
      }
      if (asked.type === 'show') {
        if (shown !== null) throw broken('the receiver asked twice for a digest');
        shown = { offset, hash: await this.#hash(file, offset) };
        await this.#talk.tell({ type: 'shown', offset, sha256: digestSoFar(shown.hash) });
        continue;
      }
      const { sha256, complete } = asked;
      if (differed && (offset > 0 || complete)) throw broken('the receiver does not begin anew though it was told to');
      const hash = shown?.offset === offset ? shown.hash : await this.#hash(file, offset);
      if (digestSoFar(hash) === sha256) {
        this.offset = offset;
        this.complete = complete;
        return hash;
      }
      if (offset === 0) throw broken('the receiver names a wrong digest of nothing');
      await this.#talk.tell({ type: 'differs' });
      differed = true;
    }
  }

  /** Of the first `length` bytes. */
  async #hash(file: OpenSource, length: number): Promise<Hash> {
    if (length > 0) this.#watch.note(`checking the ${bytesText(length)} that are there`);
    const hash = await this.#talk.busy(hashPrefix(file.handle, length, { signal: this.#signal }));
    this.#watch.note(undefined);
    return hash;
  }

  async #data(file: OpenSource, hash: Hash, credit: Credit): Promise<void> {
    const { size } = file.offer;
    while (credit.sent < size) {
      for (let message = this.#talk.poll(); message !== undefined; message = this.#talk.poll())
        this.#take(message, credit);
      const length = Math.min(size - credit.sent, credit.room, BATCH_BYTES);
      // Not a few bytes at a time because the window opens so: it opens wider with the next confirmation.
      if (length < Math.min(this.#talk.payload, size - credit.sent)) {
        this.#take(await this.#talk.next(), credit);
        continue;
      }
      const parts = await this.#talk.busy(file.read(credit.sent, length, this.#talk.payload));
      for (const { payload } of parts) hash.update(payload);
      credit.send(length);
      await this.#talk.data(parts.map(({ message }) => message));
    }
  }

  #take(message: ControlMessage | Data | null, credit: Credit): void {
    credit.confirm(this.#talk.require(message, 'ack').received);
    this.#watch.moved(credit.confirmed);
  }

  /** Waits until the receiver has given this file up too: what it confirmed before belongs to no other. */
  async given(): Promise<void> {
    for (;;) {
      const message = await this.#talk.next();
      if (message?.type === 'fail') return;
      this.#take(message, this.#credit!);
    }
  }

  /** Waits for the receiver's word that the file is on disk under its final name. */
  async #confirmed(size: number, credit: Credit): Promise<void> {
    this.#watch.note('waiting for the confirmation');
    let word = await this.#talk.expect('ack', 'done');
    for (; word.type === 'ack'; word = await this.#talk.expect('ack', 'done')) {
      credit.confirm(word.received);
      this.#watch.moved(credit.confirmed);
    }
    if (word.size !== size || word.sha256 !== this.sha256) {
      throw new TransferFailure(
        'digest',
        `the receiver has stored other bytes: SHA-256 ${word.sha256}, not ${this.sha256}`,
      );
    }
    this.#watch.note(undefined);
    this.#watch.moved(size);
  }
}
