/** Client and peer of any transport that carries messages, so that all of them are measured by the same lines. */
import { BULK, type Client, ECHO, readRequest, request, timed } from './transport.js';

/** One end of a connection that carries messages. */
export interface MessageSocket {
  /** Returns false when it is time to wait for `drained`. */
  send(message: Uint8Array): boolean;
  drained(): Promise<void>;
  /** Where messages go; set by whoever expects the next. */
  received: (message: Uint8Array) => void;
  close(): Promise<void>;
}

/** Serves what clients ask for. */
export function servePeer(socket: MessageSocket): void {
  let kind = 0;
  let left = 0;
  socket.received = (message) => {
    if (left === 0) {
      ({ kind, count: left } = readRequest(message));
      return;
    }
    left -= message.length;
    if (kind === ECHO) socket.send(message);
    else if (left === 0) socket.send(Uint8Array.of(1));
  };
}

/** Settles when so many messages have come. */
function messages(socket: MessageSocket, count = 1): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    socket.received = () => {
      left -= 1;
      if (left === 0) resolve();
    };
  });
}

export function clientOver(socket: MessageSocket): Client {
  return {
    async bulk(size, count) {
      const done = messages(socket);
      socket.send(request(BULK, size * count));
      const message = Buffer.alloc(size, 0x61);
      for (let left = count; left > 0; left -= 1) if (!socket.send(message)) await socket.drained();
      await done;
    },
    async roundTrips(size, count) {
      socket.send(request(ECHO, size * count));
      const message = new Uint8Array(size);
      const samples: number[] = [];
      while (samples.length < count) {
        samples.push(
          await timed(async () => {
            const done = messages(socket);
            socket.send(message);
            await done;
          }),
        );
      }
      return samples;
    },
    async inFlight(size, count, window) {
      socket.send(request(ECHO, size * count));
      const message = new Uint8Array(size);
      await new Promise<void>((resolve) => {
        let sent = Math.min(window, count);
        let back = 0;
        socket.received = () => {
          back += 1;
          if (sent < count) {
            sent += 1;
            socket.send(message);
          }
          if (back === count) resolve();
        };
        for (let i = 0; i < sent; i++) socket.send(message);
      });
    },
    close: () => socket.close(),
  };
}
