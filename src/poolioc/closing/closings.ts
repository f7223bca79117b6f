/** What this process knows of the slots of a device that it is closing or has closed (kernel contract, hazard 2). */
import { type CallMemory, Word } from '../threads/call-memory.js';
import type { CloseSlotRequest } from './close-slot.js';
import { MAX_SESSIONS, SESSION_ID_SIZE } from '../abi/constants.js';

export class Closings {
  /** Of the threads that were given a slot to close. */
  readonly #memories = new Set<CallMemory>();
  /** Ids of sessions, the latest last: no more than can have another end in the table. */
  readonly #closed = new Set<string>();

  /** A thread with this memory is given a slot to close. @returns what it has to know of the others */
  begin(memory: CallMemory): Pick<CloseSlotRequest, 'closed' | 'closing'> {
    const closing: number[] = [];
    for (const other of this.#memories) {
      const slot = Atomics.load(other.words, Word.CLOSING) - 1;
      if (slot < 0) this.#memories.delete(other);
      else closing.push(slot);
    }
    this.#memories.add(memory);
    return { closed: [...this.#closed], closing };
  }

  /** A slot was closed; its session's id is in the thread's memory. */
  closed({ data }: CallMemory): void {
    this.#closed.add(data.toString('hex', 0, SESSION_ID_SIZE));
    for (const id of this.#closed) {
      if (this.#closed.size <= MAX_SESSIONS) break;
      this.#closed.delete(id);
    }
  }
}
