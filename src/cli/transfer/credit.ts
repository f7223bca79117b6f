/** How much a sender may have under way that the receiver has not confirmed. No I/O here. */
import { broken } from './failure.js';

export class Credit {
  #sent: number;
  #confirmed: number;
  readonly #window: number;

  /** @param offset where the data begins  @param window bytes that may be unconfirmed */
  constructor(offset: number, window: number) {
    this.#sent = offset;
    this.#confirmed = offset;
    this.#window = window;
  }

  /** Bytes of the file up to which all was sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes of the file that the receiver has written. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Bytes that may be sent now. */
  get room(): number {
    return this.#window - (this.#sent - this.#confirmed);
  }

  /** `length` bytes go out. */
  send(length: number): void {
    this.#sent += length;
  }

  /** The receiver says that it has everything up to `received`. */
  confirm(received: number): void {
    if (received <= this.#confirmed || received > this.#sent) {
      throw broken(`the receiver confirms ${received} bytes where ${this.#sent} were sent`);
    }
    this.#confirmed = received;
  }
}
