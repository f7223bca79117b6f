/** Two sockets and an end: who ends, how, and with what unread and unsent. Each runs with the client and with the server as `a`. */
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { End, Ends } from './party.js';

export type SocketScenario = (ends: Ends) => Promise<void>;

const MIB = 1 << 20;
const BIG = Buffer.alloc(8 * MIB, 'x');

/** Until `count` bytes were read and noted. */
async function has(end: End, count: number): Promise<void> {
  let size = 0;
  await new Promise<void>((resolve) => {
    end.socket.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size >= count) resolve();
    });
  });
}

export const socketScenarios: Record<string, SocketScenario> = {
  'end(), the peer reads': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.end('bye');
  },
  'end(), the peer is paused and goes on later': async ({ a, b }) => {
    a.flow();
    b.pause();
    a.socket.end('bye');
    await b.ended;
    b.socket.resume();
  },
  'end(), the peer has no reader yet': async ({ a, b }) => {
    a.flow();
    a.socket.end('bye');
    await b.ended;
    b.flow();
  },
  'end(), and nobody reads': async ({ a }) => {
    a.socket.end();
  },
  'end() behind more than the peer takes at once': async ({ a, b }) => {
    a.flow();
    b.pause();
    a.socket.end(BIG);
    await b.came(65_536);
    b.socket.resume();
  },
  'destroySoon() behind more than the peer takes at once': async ({ a, b }) => {
    b.pause();
    a.socket.write(BIG);
    a.socket.destroySoon();
    await b.came(65_536);
    b.socket.resume();
  },
  'end() with input unread': async ({ a, b }) => {
    a.pause();
    b.flow();
    await b.write('unread');
    await a.came(6);
    a.socket.end();
    await b.ended;
    a.socket.resume();
  },
  'end() while the peer still sends': async ({ a, b }) => {
    b.flow();
    const got = has(a, 1);
    void b.write(BIG);
    await got;
    a.socket.end();
  },
  'both end() at once': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.end('from a');
    b.socket.end('from b');
  },
  'destroy()': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.destroy();
  },
  'destroy() right after a write': async ({ a, b }) => {
    b.flow();
    a.socket.write('last words');
    a.socket.destroy();
  },
  'destroy() with an error': async ({ a, b }) => {
    b.flow();
    a.socket.write('last words');
    a.socket.destroy(Object.assign(new Error('reason'), { code: 'REASON' }));
  },
  'destroy(null)': async ({ a, b }) => {
    b.flow();
    a.socket.destroy(null as unknown as undefined);
  },
  'destroy() with input unread': async ({ a, b }) => {
    a.pause();
    b.flow();
    await b.write('unread');
    await a.came(6);
    a.socket.destroy();
  },
  'destroy(), the peer is paused and goes on later': async ({ a, b }) => {
    b.pause();
    a.socket.write('last words');
    a.socket.destroy();
    await b.ended;
    b.socket.resume();
  },
  'destroy() with more unsent than the peer takes at once': async ({ a, b }) => {
    b.pause();
    void a.write(BIG);
    await b.came(65_536);
    a.socket.destroy();
    await a.closed;
    // How much of it came is the chance of the moment.
    b.socket.removeAllListeners('data');
    b.socket.resume();
  },
  'resetAndDestroy()': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.resetAndDestroy();
  },
  'resetAndDestroy(), the peer has input that it has not read': async ({ a, b }) => {
    b.pause();
    await a.write('unread');
    await b.came(6);
    a.socket.resetAndDestroy();
    await b.ended;
    b.socket.resume();
  },
  'a write after the end() that came, with input unread': async ({ a, b }) => {
    a.flow();
    b.pause();
    a.socket.end('goodbye');
    await b.ended;
    await b.write('too late');
    b.socket.resume();
  },
  'a write after the destroy() that came, with input unread': async ({ a, b }) => {
    b.pause();
    a.socket.write('goodbye');
    a.socket.destroy();
    await b.ended;
    await b.write('too late');
    b.socket.resume();
  },
  'a write after the destroy() that came, with input unread and no reader yet': async ({ a, b }) => {
    a.socket.write('goodbye');
    a.socket.destroy();
    await b.ended;
    await b.write('too late');
    b.flow();
  },
  'two writes after the destroy() that came, with input unread': async ({ a, b }) => {
    b.pause();
    a.socket.write('goodbye');
    a.socket.destroy();
    await b.ended;
    await b.write('too late');
    void b.write('and again', 'written again');
    await turn();
    b.socket.resume();
  },
  'an end() after the end() that came, with input unread': async ({ a, b }) => {
    a.flow();
    b.pause();
    a.socket.end('goodbye');
    await b.ended;
    await new Promise<void>((resolve) => b.socket.end('too late', () => resolve()));
    b.socket.resume();
  },
  'an end() after the destroy() that came, with input unread': async ({ a, b }) => {
    b.pause();
    a.socket.write('goodbye');
    a.socket.destroy();
    await b.ended;
    await new Promise<void>((resolve) => b.socket.end('too late', () => resolve()));
    b.socket.resume();
  },
  'a destroy() after the end() that came, with input unread': async ({ a, b }) => {
    b.pause();
    a.socket.end('goodbye');
    await b.ended;
    b.socket.destroy();
  },
  'a write after an own end()': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.end('bye');
    await a.write('more');
  },
  'a write after an own destroy()': async ({ a, b }) => {
    b.flow();
    a.socket.destroy();
    await a.write('more');
  },
  'a loop over the stream that is left': async ({ a, b }) => {
    b.flow();
    void b.write('one');
    for await (const piece of a.socket as AsyncIterable<Buffer>) {
      a.party.data('data', piece);
      break;
    }
  },
  'a pipeline into the socket': async ({ a, b }) => {
    b.flow();
    a.flow();
    await pipeline(Readable.from(['one', 'two', 'three']), a.socket).then(
      () => a.party.note('pipeline'),
      (error: Error) => a.party.failed('pipeline', error),
    );
  },
  'a pipeline into the socket whose source fails': async ({ a, b }) => {
    b.flow();
    const source = Readable.from(
      (async function* () {
        yield 'one';
        await turn();
        throw Object.assign(new Error('the source'), { code: 'SOURCE' });
      })(),
    );
    await pipeline(source, a.socket).catch((error: Error) => a.party.failed('pipeline', error));
  },
  'an echo, ended by the other': async ({ a, b }) => {
    b.socket.pipe(b.socket);
    a.flow();
    const got = has(a, 4);
    void a.write('echo');
    await got;
    a.socket.end();
  },
};
