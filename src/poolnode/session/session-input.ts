/**
 * The receiving half of a session's socket: feeds the protocol, takes its events one at a time, and stops reading when the
 * owner has enough. What is held meanwhile is the rest of one chunk in the protocol and one more in the socket.
 */
import type { PoolError } from '../../base/errors.js';
import type { Clock } from '../clock.js';
import type { Session } from '../protocol/types.js';
import { nextTick } from '../../base/timers.js';

/** Of net.Socket, what receiving needs. */
export interface ReadableSocket {
  pause(): unknown;
  resume(): unknown;
  isPaused(): boolean;
}

export interface InputOwner {
  /** One whole message. False: no more before `resume`. */
  message(channel: number, data: Uint8Array): boolean;
  rekeyed(count: number): void;
  /** The peer's CLOSE. Nothing comes after it. */
  closed(): void;
  /** The session failed, or its connection did. Nothing comes after it. */
  failed(error: PoolError): void;
  /** The protocol was given bytes or asked for events: it may have output and another deadline. */
  worked(): void;
  threw(error: unknown): void;
}

export class SessionInput {
  readonly #socket: ReadableSocket;
  readonly #protocol: Session;
  readonly #clock: Clock;
  readonly #owner: InputOwner;
  #paused = true;
  #pausedAt: bigint;
  /** Messages are no longer wanted; the protocol's checks still are. */
  #discarding = false;
  #over = false;
  #pumping = false;
  #pumpScheduled = false;
  /** How the connection ended; acted upon once all that came before it was delivered. */
  #ended: 'fin' | PoolError | null = null;

  /** Starts paused, so that nothing is read before someone takes the messages. */
  constructor(socket: ReadableSocket, protocol: Session, clock: Clock, owner: InputOwner) {
    this.#socket = socket;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#owner = owner;
    this.#pausedAt = clock();
    socket.pause();
    protocol.pauseReading(this.#pausedAt);
  }

  /** Monotonic ns since which nothing is read; null while reading. */
  get pausedSince(): bigint | null {
    return this.#paused ? this.#pausedAt : null;
  }

  receive(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#protocol.receive(chunk);
    this.pump();
  }

  /** The peer's FIN, or the connection's failure. The first one counts. */
  end(how: 'fin' | PoolError): void {
    this.#ended ??= how;
    this.pump();
  }

  pause(): void {
    if (this.#paused || this.#discarding || this.#over) return;
    this.#paused = true;
    this.#pausedAt = this.#clock();
    this.#socket.pause();
    this.#protocol.pauseReading(this.#pausedAt);
  }

  /** Goes on with what is held, from the event loop and not from within this call. */
  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#protocol.resumeReading(this.#clock());
    if (this.#pumping || this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    nextTick(this.#pumpLater);
  }

  /** From here on messages are dropped, and reading never pauses: what is left to see are faults and the peer's FIN. */
  discard(): void {
    this.#discarding = true;
    this.resume();
  }

  /** Takes no event and no byte any more. */
  stop(): void {
    this.#over = true;
  }

  readonly #pumpLater = (): void => {
    this.#pumpScheduled = false;
    this.pump();
  };

  /** Takes events until there are none or the owner has enough. */
  pump(): void {
    if (this.#pumping || this.#over) return;
    this.#pumping = true;
    try {
      const now = this.#clock();
      while (!this.#paused && !this.#over && this.#step(now));
    } catch (error) {
      this.#owner.threw(error);
    } finally {
      this.#pumping = false;
    }
    this.#owner.worked();
  }

  /** Handles one event; false when there is none left for now. */
  #step(now: bigint): boolean {
    const event = this.#protocol.next(now);
    switch (event?.type) {
      case 'message':
        if (!this.#discarding && !this.#owner.message(event.channel, event.data)) this.pause();
        return true;
      case 'rekeyed':
        this.#owner.rekeyed(event.count);
        return true;
      case 'closed':
        this.#over = true;
        this.#owner.closed();
        return false;
      case 'failed':
        this.#over = true;
        this.#owner.failed(event.error);
        return false;
      default:
        return this.#drained();
    }
  }

  /** All bytes are worked off: read on, or see to the end that came after them. */
  #drained(): boolean {
    if (this.#ended === 'fin') {
      this.#ended = null;
      this.#protocol.receiveEnd();
      return true;
    }
    if (this.#ended !== null) {
      this.#over = true;
      this.#owner.failed(this.#ended);
    } else if (this.#socket.isPaused()) {
      this.#socket.resume();
    }
    return false;
  }
}
