/**
 * Fragments (wire protocol, Packet types). Reassembly refuses what the module lets pass: overlap, duplicates, holes. What it
 * holds is bounded in messages, fragments and bytes before anything is allocated.
 */
import { FRAGMENT_HEADER_BYTES, FRAGMENT_TIMEOUT_NS, LIMITS, MAX_PACKET_PLAINTEXT_BYTES } from './constants.js';
import { violation } from './faults.js';
import { readFragmentHeader, writeFragment } from './payloads.js';

interface InProgress {
  readonly channel: number;
  readonly deadline: bigint;
  readonly data: Uint8Array;
  /** Start and end of each stretch that came, in turn. */
  readonly stretches: number[];
  received: number;
}

export class Reassembly {
  /** In the order in which they began, which is that of their deadlines. */
  readonly #messages = new Map<number, InProgress>();
  #bytes = 0;
  #shiftDeadlines = 0n;

  get messages(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest message in progress is late; null without any. */
  get deadline(): bigint | null {
    for (const message of this.#messages.values()) return message.deadline + this.#shiftDeadlines;
    return null;
  }

  /** Moves all deadlines by a time in which nothing was read. */
  shiftDeadlines(ns: bigint): void {
    this.#shiftDeadlines += ns;
  }

  /** Takes the plaintext of a fragment, which is its to keep; gives the message where it is the last one. */
  add(channel: number, plaintext: Uint8Array, last: boolean, now: bigint): Uint8Array | null {
    const { messageId, offset, total } = readFragmentHeader(plaintext);
    const bytes = plaintext.subarray(FRAGMENT_HEADER_BYTES);
    const end = offset + bytes.length;
    if (bytes.length === 0) throw violation('a fragment without bytes');
    if (end > total) throw violation('a fragment reaches beyond its message');
    const known = this.#messages.get(messageId);
    // The module's usual case: a whole message in one fragment needs no reassembly and no copy.
    if (known === undefined && last && bytes.length === total) return bytes;
    const message = known ?? this.#begin(messageId, channel, total, now);
    if (message.data.length !== total) throw violation('fragments of one message disagree on its length');
    if (message.channel !== channel) throw violation('fragments of one message disagree on its channel');
    this.#place(message, offset, end);
    message.data.set(bytes, offset);
    message.received += bytes.length;
    const whole = message.received === total;
    if (whole !== last) {
      throw violation(last ? 'LAST_FRAG came before the rest of its message' : 'a message ended without LAST_FRAG');
    }
    if (!whole) return null;
    this.#messages.delete(messageId);
    this.#bytes -= total;
    return message.data;
  }

  clear(): void {
    this.#messages.clear();
    this.#bytes = 0;
  }

  #begin(messageId: number, channel: number, total: number, now: bigint): InProgress {
    if (this.#messages.size >= LIMITS.fragmentedMessages) throw violation('too many messages in fragments at a time');
    if (this.#bytes + total > LIMITS.reassemblyBytes) throw violation('too many bytes in fragments at a time');
    const deadline = now + FRAGMENT_TIMEOUT_NS - this.#shiftDeadlines;
    const message: InProgress = { channel, deadline, data: new Uint8Array(total), stretches: [], received: 0 };
    this.#messages.set(messageId, message);
    this.#bytes += total;
    return message;
  }

  #place({ stretches }: InProgress, start: number, end: number): void {
    if (stretches.length / 2 >= LIMITS.fragmentsPerMessage) throw violation('a message in too many fragments');
    for (let i = 0; i < stretches.length; i += 2) {
      if (start < stretches[i + 1]! && end > stretches[i]!) throw violation('fragments of one message overlap');
    }
    stretches.push(start, end);
  }
}

/** The first fragment of a message too long for one packet carries as much as it can, the second the rest. */
export function cutMessage(messageId: number, data: Uint8Array): [first: Uint8Array, last: Uint8Array] {
  const offset = MAX_PACKET_PLAINTEXT_BYTES - FRAGMENT_HEADER_BYTES;
  const total = data.length;
  return [
    writeFragment({ messageId, offset: 0, total }, data.subarray(0, offset)),
    writeFragment({ messageId, offset, total }, data.subarray(offset)),
  ];
}
