/** Orders as words of the shared memory, for those that are made of numbers. */
import { OrderKind, Word } from './call-memory.js';
import type { SyscallRequest } from './worker-messages.js';

/** Tells the thread that waits in this memory of an order. @returns whether it has to be told by a message as well */
export function putOrder(words: Int32Array, id: number, order: SyscallRequest | null): boolean {
  const waits = Atomics.load(words, Word.WAITS) === 1;
  const kind = waits && order !== null ? putWords(words, order) : OrderKind.MESSAGE;
  words[Word.KIND] = kind;
  Atomics.store(words, Word.ORDER, id);
  Atomics.notify(words, Word.ORDER);
  return kind === OrderKind.MESSAGE;
}

function putWords(words: Int32Array, order: SyscallRequest): number {
  switch (order.kind) {
    case 'receive':
      words[Word.FD] = order.fd;
      words[Word.COUNT] = order.count;
      return OrderKind.RECEIVE;
    case 'send':
      words[Word.FD] = order.fd;
      return OrderKind.SEND;
    case 'ioctl':
      if (order.thread !== undefined) return OrderKind.MESSAGE;
      words[Word.FD] = order.fd;
      words[Word.REQUEST] = order.request;
      return (order.argument ? OrderKind.STRUCT : OrderKind.BARE) | (order.retry ? OrderKind.RETRY : 0);
    default:
      return OrderKind.MESSAGE;
  }
}

/** The order that the words tell; null where it comes as a message. */
export function orderIn(words: Int32Array): SyscallRequest | null {
  const told = words[Word.KIND]!;
  const kind = told & ~OrderKind.RETRY;
  const fd = words[Word.FD]!;
  if (kind === OrderKind.MESSAGE) return null;
  if (kind === OrderKind.RECEIVE) return { kind: 'receive', fd, count: words[Word.COUNT]! };
  if (kind === OrderKind.SEND) return { kind: 'send', fd };
  // Request numbers have 32 bits.
  const request = words[Word.REQUEST]! >>> 0;
  return { kind: 'ioctl', fd, request, argument: kind === OrderKind.STRUCT, retry: told !== kind };
}
