/**
 * Calls that wait for a change of the session table, so that a program which accepts need not look again and again. Told are
 * sessions that come, end and go, LISTEN and STOP, and a message that nobody waits for; counters are not.
 */
import type { DeviceCall } from './device-call.js';

/** Of pool_channel_req: where the number of the change goes, in and out, and where the listening port goes. */
const RESULT_AT = 8;
const NUMBER_AT = 16;

export class TableWatch {
  readonly #port: () => number;
  readonly #waiting = new Set<DeviceCall>();
  /** Begins at 1: 0 is what a caller names that knows of none. */
  #number = 1n;

  /** `port`: the one that is listening, or 0. */
  constructor(port: () => number) {
    this.#port = port;
  }

  /** The table is not what it was. */
  changed(): void {
    this.#number += 1n;
    for (const call of [...this.#waiting]) this.#answer(call);
  }

  /** Answers when the last change is not the one that the call names, at once where that is so already. */
  wait(call: DeviceCall): void {
    if (call.argument.readBigUInt64LE(NUMBER_AT) !== this.#number) {
      this.#answer(call);
      return;
    }
    this.#waiting.add(call);
    call.onInterrupt = () => {
      this.#waiting.delete(call);
      call.restart();
    };
  }

  /** Answers everybody with `errno`: the device closes. */
  abort(errno: number): void {
    for (const call of this.#waiting) call.fail(errno);
    this.#waiting.clear();
  }

  #answer(call: DeviceCall): void {
    this.#waiting.delete(call);
    call.onInterrupt = null;
    call.argument.writeUInt32LE(this.#port(), RESULT_AT);
    call.argument.writeBigUInt64LE(this.#number, NUMBER_AT);
    call.succeed(0, call.argument);
  }
}
