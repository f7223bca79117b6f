/** The fd of /dev/fuse on this thread's event loop: requests are read when there are some, answers are written at once. */
import { Errno } from '../../base/errno.js';
import type { ServerLibc } from '../server-libc.js';

/** Larger than any ioctl with its struct (16 KiB), and than the 8 KiB that the kernel asks for. */
const REQUEST_BYTES = 32 * 1024;

/** Requests read in one turn of the event loop, so that the node's sockets get theirs. */
const REQUESTS_A_TURN = 64;

export interface FuseConnectionOptions {
  libc: ServerLibc;
  /** Non-blocking; closed by `close`. */
  fd: number;
  /** One request; the bytes are valid only until this returns. */
  request: (bytes: Buffer) => void;
  /** The file system is gone: unmounted, or aborted by an administrator. Not called after `close`. */
  ended: (errno: number) => void;
}

export interface FuseConnection {
  send(reply: Buffer): void;
  /** Callers that still wait get ECONNABORTED from the kernel. */
  close(): void;
}

export function connectFuse({ libc, fd, request, ended }: FuseConnectionOptions): FuseConnection {
  const buffer = Buffer.alloc(REQUEST_BYTES);
  let open = true;

  const close = (): void => {
    if (!open) return;
    open = false;
    handle.stop();
    handle.close();
    libc.close(fd);
  };

  const handle = libc.poll(fd, () => {
    for (let turn = 0; open && turn < REQUESTS_A_TURN; turn++) {
      const count = libc.read(fd, buffer);
      if (count >= 0) {
        request(buffer.subarray(0, count));
        continue;
      }
      if (count === -Errno.EAGAIN) return;
      // ENOENT: the request was taken back by a signal before it was read.
      if (count === -Errno.ENOENT || count === -Errno.EINTR) continue;
      close();
      ended(-count);
    }
  });

  return {
    send(reply) {
      // ENOENT: the caller is gone, its request with it. Nothing else can be done about an answer.
      if (open) libc.write(fd, reply);
    },
    close,
  };
}
