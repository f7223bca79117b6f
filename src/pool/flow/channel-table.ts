/**
 * Where a session's messages go: each channel that was opened on this side gets its own, the Conn all others, since the
 * module can't tell channel 0 from a channel that nobody opened (kernel contract, section 2).
 */
import type { SessionEnd } from '../../base/session.js';
import type { BackendSession } from '../backend.js';
import type { SessionChannel, ChannelOwner } from './channel.js';

interface ChannelEntry {
  /** The newest Channel of this number; it stays when it is closed, and counts what it discards. */
  flow: SessionChannel;
  /** Settles with `flow` once the backend has subscribed. */
  opened: Promise<SessionChannel>;
  /** The backend's calls for this channel, one after the other. Never rejects. */
  calls: Promise<unknown>;
}

export class ChannelTable implements ChannelOwner {
  readonly #session: Pick<BackendSession, 'subscribe' | 'unsubscribe'>;
  readonly #create: (channel: number, owner: ChannelOwner) => SessionChannel;
  readonly #unopened: (data: Uint8Array) => void;
  readonly #entries: (ChannelEntry | undefined)[] = [];

  /**
   * @param create makes the Channel of a number
   * @param unopened takes what comes for channels that were never opened
   */
  constructor(
    session: Pick<BackendSession, 'subscribe' | 'unsubscribe'>,
    create: (channel: number, owner: ChannelOwner) => SessionChannel,
    unopened: (data: Uint8Array) => void,
  ) {
    this.#session = session;
    this.#create = create;
    this.#unopened = unopened;
  }

  deliver(channel: number, data: Uint8Array): void {
    const entry = this.#entries[channel];
    if (entry === undefined) this.#unopened(data);
    else entry.flow.push(data);
  }

  /** The Channel of a number, if this side has it open; it may have ended with its session, and still hold messages. */
  opened(channel: number): Promise<SessionChannel> | undefined {
    const entry = this.#entries[channel];
    return entry === undefined || entry.flow.left ? undefined : entry.opened;
  }

  /** The Channel gets messages from this call on, though the promise waits for the backend. */
  open(channel: number): Promise<SessionChannel> {
    const open = this.opened(channel);
    if (open !== undefined) return open;
    const known = this.#entries[channel];
    const flow = this.#create(channel, this);
    const subscribed =
      known === undefined ? this.#session.subscribe(channel) : known.calls.then(() => this.#session.subscribe(channel));
    const opened = subscribed.then(
      () => flow,
      (error: unknown) => {
        flow.destroy(error instanceof Error ? error : undefined);
        throw error;
      },
    );
    this.#entries[channel] = { flow, opened, calls: opened.catch(() => {}) };
    return opened;
  }

  unsubscribe(flow: SessionChannel): Promise<void> {
    const entry = this.#entries[flow.channel];
    if (entry?.flow !== flow) return Promise.resolve();
    const call = entry.calls.then(() => {
      // Opened again meanwhile: its own subscription is in line, or made.
      if (this.#entries[flow.channel] === entry) return this.#session.unsubscribe(flow.channel);
    });
    entry.calls = call.catch(() => {});
    return call;
  }

  /** The newest Channel of each number. */
  *flows(): Generator<SessionChannel> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry.flow;
  }

  end(end: SessionEnd): void {
    for (const flow of this.flows()) flow.end(end);
  }
}
