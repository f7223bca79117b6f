/** Resets a connection, whatever state it is in, and leaves no descriptor behind. */
import type { Socket } from 'node:net';

/** What Node keeps in a socket that is to be reset, and reads when it destroys it. */
interface ResettingSocket {
  resetAndClosing?: boolean;
}

/**
 * Breaks the connection off by RST, so that the other side doesn't take it for an end. A socket that knows no reset, a unix
 * one, is destroyed.
 *
 * The system refuses a reset while a FIN is under way (`uv_tcp_close_reset`: EINVAL), and Node then never closes the handle of
 * a socket that is destroyed just then, by an error or by its owner: the descriptor stays open, the process alive, and 'close'
 * never comes. Such a socket is closed here; its peer is told of an end in any case.
 */
export function resetSocket(socket: Socket): void {
  try {
    let finUnderWay = socket.writableEnded && socket.writableLength === 0;
    const final = socket._final.bind(socket);
    const destroy = socket._destroy.bind(socket);
    socket._final = (done) => {
      finUnderWay = true;
      final(done);
    };
    socket._destroy = (error, done) => {
      if (finUnderWay && !socket.writableFinished) (socket as ResettingSocket).resetAndClosing = false;
      destroy(error, done);
    };
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}
