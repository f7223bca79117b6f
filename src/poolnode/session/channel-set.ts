import { checkInteger } from '../../base/arguments.js';

/** The channels that a session has subscribed to, in the form of POOL_IOC_CHANNEL's LIST: 32 bytes, bit c%8 of byte c/8. */
export class ChannelSet {
  readonly #bits = new Uint8Array(32);

  add(channel: number): void {
    const byte = byteOf(channel);
    this.#bits[byte] = this.#bits[byte]! | (1 << (channel & 7));
  }

  delete(channel: number): void {
    const byte = byteOf(channel);
    this.#bits[byte] = this.#bits[byte]! & ~(1 << (channel & 7));
  }

  toBytes(): Uint8Array {
    return this.#bits.slice();
  }
}

function byteOf(channel: number): number {
  return checkInteger('a channel', channel, 0, 255) >> 3;
}
