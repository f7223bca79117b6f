/** One of the 255 channels beside the Conn's own: its own queues, deadlines and end, on the session of its Conn. */
import type { SessionEnd } from '../../base/session.js';
import type { Conn } from './conn.js';
import type { Flow, FlowJson } from './flow.js';
import { endError } from '../op-error.js';
import { SessionFlow, type SessionDeps } from './session-flow.js';

/**
 * A channel of a session. The wire has no close of a channel: `close` is local, the peer isn't told, and what arrives
 * afterwards is discarded and counted until the channel is opened again.
 */
export interface Channel extends Flow {
  /** 1..255. */
  readonly channel: number;
  /** The connection that it is a channel of. */
  readonly conn: Conn;
  /** Messages that came after this side closed the channel, up to its next opening. */
  readonly discardedMessages: number;
  toJSON(): ChannelJson;
}

/** What JSON.stringify writes of a Channel. */
export interface ChannelJson extends FlowJson {
  channel: number;
  /** The session id. */
  conn: string;
}

/** What a channel asks of the table that it is in. */
export interface ChannelOwner {
  /** Undoes the subscription, unless the channel was opened again. */
  unsubscribe(flow: SessionChannel): Promise<void>;
}

export class SessionChannel extends SessionFlow implements Channel {
  readonly channel: number;
  readonly conn: Conn;
  readonly #owner: ChannelOwner;
  #end: SessionEnd | null = null;
  /** This side destroyed it, or its Conn, before it had ended otherwise. */
  #destroyed = false;
  #discarded = 0;

  constructor(deps: SessionDeps, conn: Conn, channel: number, owner: ChannelOwner) {
    super(deps, channel);
    this.channel = channel;
    this.conn = conn;
    this.#owner = owner;
  }

  get discardedMessages(): number {
    return this.#discarded;
  }

  /** Whether this side closed it: the number is free for another Channel then. */
  get left(): boolean {
    return this.reads.closed;
  }

  /** A message for the channel came. */
  push(data: Uint8Array): void {
    if (!this.left) this.reads.push(data);
    else this.#discarded += 1;
  }

  end(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.writer.end(end);
    this.reads.end(end);
    this.ending.settle(end);
  }

  /** The Conn is closing: what was written is still sent. */
  connClosing(): void {
    this.startClosing();
  }

  protected abandon(error: Error | undefined): void {
    const over = this.state === 'closed';
    this.connDestroyed(error);
    // Nobody waits for this, and nothing depends on it: delivery has ended already.
    if (!over) this.#owner.unsubscribe(this).catch(() => {});
  }

  /** The session goes, and the subscription with it. */
  connDestroyed(error?: Error): void {
    this.reads.close(error);
    this.writer.destroy(error);
    if (this.state === 'closed') return;
    this.#destroyed = true;
    this.ending.settle(this.ending.destroyedBy(error));
  }

  protected async shutDown(timeout: number): Promise<boolean> {
    this.startClosing();
    if (this.state === 'closed') return !this.#destroyed;
    try {
      await this.ending.flush(this.writer.flushed(), timeout);
    } catch (error) {
      this.abandon(error as Error);
      throw error;
    }
    if (this.#destroyed) return false;
    await this.#leave();
    this.ending.settle(this.ending.own);
    if (!this.#destroyed && this.#end?.error !== undefined) throw endError('close', this.target, this.#end.error);
    return !this.#destroyed;
  }

  async #leave(): Promise<void> {
    try {
      await this.#owner.unsubscribe(this);
    } catch (error) {
      // The subscription went with the session.
      if (this.#end === null) throw error;
    }
  }

  ref(): this {
    this.conn.ref();
    return this;
  }

  unref(): this {
    this.conn.unref();
    return this;
  }

  override toJSON(): ChannelJson {
    return { channel: this.channel, conn: this.conn.id, ...super.toJSON() };
  }

  protected describe(): string {
    const { backend, sessionIndex } = this.conn;
    const ends = `${this.localAddr.toString()} -> ${this.remoteAddr.toString()}`;
    return `Channel { ${this.channel}, ${backend} ${ends}, session ${sessionIndex}, ${this.state} }`;
  }
}
