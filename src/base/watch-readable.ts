/** Descriptors on the event loop of a thread: libuv's poll, by koffi. */
import type { default as Koffi, node as KoffiNode } from 'koffi';
import { setImmediate } from './timers.js';

/**
 * Calls `readable` on this thread's event loop whenever `fd`, which must support poll, is readable. Of one with an error
 * (POLLERR: of a socket whose other end went with bytes unread there, say) libuv tells once and then no more: `readable` looks
 * until there is nothing left, and finds the error.
 *
 * What `readable` leaves to do, ticks and what awaits promises, is done in the same turn of the loop. koffi calls back in a way
 * in which Node 26 does it no sooner than something else happens in the thread, be it in minutes; an immediate is something else.
 */
export function watchReadable(
  koffi: Pick<typeof Koffi, 'node'>,
  fd: number,
  readable: () => void,
): KoffiNode.PollHandle {
  return koffi.node.poll(fd, { readable: true }, () => {
    setImmediate(nothing);
    readable();
  });
}

function nothing(): void {}
