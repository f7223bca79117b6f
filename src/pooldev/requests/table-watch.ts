/**
 * Calls that wait for a change of the session table, so that a program which accepts need not look again and again. Told are
 * sessions that come, end and go, LISTEN and STOP, and who asks for it of messages that no RECV waits for; counters are not.
 */
import { TABLE_CHANGE_MESSAGES } from '../../poolioc/abi/constants.js';
import type { DeviceCall } from './device-call.js';

/** Of pool_channel_req: what is asked for, where the listening port goes, and the number of the change, in and out. */
const MESSAGES_AT = 4;
const RESULT_AT = 8;
const NUMBER_AT = 16;

export class TableWatch {
  readonly #port: () => number;
  readonly #waiting = new Set<DeviceCall>();
  /** Of the last change or message. Begins at 1: 0 is what a caller names that knows of none. */
  #number = 1n;
  #changed = 1n;

  /** `port`: the one that is listening, or 0. */
  constructor(port: () => number) {
    this.#port = port;
  }

  /** The table is not what it was. */
  changed(): void {
    this.#number += 1n;
    this.#changed = this.#number;
    for (const call of [...this.#waiting]) this.#answer(call);
  }

  /** A message came that no RECV waits for: under load many do, between two RECVs of a program that is about to take them. */
  unclaimed(): void {
    this.#number += 1n;
    for (const call of [...this.#waiting]) if (wantsMessages(call)) this.#answer(call);
  }

  /** Answers when something has happened since the number that the call names, at once where it has by now. */
  wait(call: DeviceCall): void {
    const known = call.argument.readBigUInt64LE(NUMBER_AT);
    const last = wantsMessages(call) ? this.#number : this.#changed;
    // A number that is still to come is another device's.
    if (known < last || known > this.#number) {
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

const wantsMessages = ({ argument }: DeviceCall): boolean => argument.readUInt8(MESSAGES_AT) === TABLE_CHANGE_MESSAGES;
