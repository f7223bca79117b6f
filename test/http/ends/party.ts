/** What one party of a scenario saw and was told, in its order: the unit in which net and POOL are compared. */
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

/** As much of a net.Socket as the scenarios use; both kinds have it. */
export type Socket = Duplex & { resetAndDestroy(): unknown; destroySoon(): void };

/** Text longer than this is noted by its length. */
const LONGEST_TEXT = 40;

export class Party {
  readonly #seen: string[] = [];
  #data = '';
  #dataEvents = '';

  /** Everything so far. */
  get seen(): string[] {
    this.#flush();
    return this.#seen;
  }

  note(what: string): void {
    this.#flush();
    this.#seen.push(what);
  }

  /** Pieces that come one after the other count as one: where a stream is cut is nobody's promise. */
  data(name: string, piece: Uint8Array | string): void {
    if (this.#dataEvents !== name) this.#flush();
    this.#dataEvents = name;
    this.#data += Buffer.from(piece as Uint8Array).toString('latin1');
  }

  failed(name: string, error: (Error & { code?: string }) | null | undefined): void {
    this.note(error ? `${name} ${error.code ?? error.message}` : name);
  }

  /** Notes these events, each without what comes with it but for errors. */
  watch(emitter: EventEmitter, prefix: string, names: readonly string[]): this {
    for (const name of names) {
      emitter.on(name, (argument: unknown) => {
        if (name === 'data') this.data(`${prefix}data`, argument as Buffer);
        else if (name === 'error') this.failed(`${prefix}error`, argument as Error);
        else this.note(`${prefix}${name}`);
      });
    }
    return this;
  }

  /** Notes a stream's life. Reading is up to the scenario. */
  stream(stream: Duplex, prefix = ''): this {
    return this.watch(stream, prefix, ['end', 'finish', 'error', 'close']);
  }

  #flush(): void {
    if (this.#dataEvents === '') return;
    const short = this.#data.length <= LONGEST_TEXT;
    const text = short ? JSON.stringify(this.#data) : `of ${this.#data.length} bytes`;
    this.#seen.push(`${this.#dataEvents} ${text}`);
    this.#data = '';
    this.#dataEvents = '';
  }
}

/** Both ends of a connection. `a` is who acts first. */
export interface Ends {
  a: End;
  b: End;
}

/** One of them. */
export class End {
  readonly party = new Party();
  readonly closed: Promise<void>;

  /**
   * @param ended fulfils when the other's end has come to this one, whether it was read or not
   * @param came fulfils when so many bytes have come to it, read or not
   */
  constructor(
    readonly socket: Socket,
    readonly ended: Promise<unknown> = Promise.resolve(),
    readonly came: (bytes: number) => Promise<void> = async () => {},
  ) {
    this.party.stream(socket);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Reads on. */
  flow(): this {
    this.socket.on('data', (piece: Buffer) => this.party.data('data', piece));
    return this;
  }

  /** Has a reader that has stopped. */
  pause(): this {
    this.flow().socket.pause();
    return this;
  }

  /** Writes, and notes how that ended. Settles then. */
  write(data: string | Buffer, name = 'written'): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(data, (error) => {
        this.party.failed(name, error);
        resolve();
      });
    });
  }
}
