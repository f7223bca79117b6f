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
  'two destroy(), and an end()': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.destroy();
    a.socket.destroy(new Error('too late'));
    a.socket.end();
  },
  'an end() twice, with what the second has to say': async ({ a, b }) => {
    a.flow();
    b.flow();
    a.socket.end('bye');
    await new Promise<void>((resolve) =>
      a.socket.end((error?: Error | null) => {
        a.party.failed('ended again', error);
        resolve();
      }),
    );
  },
  'an end() whose callback comes after a destroy()': async ({ a, b }) => {
    b.flow();
    const ended = new Promise<void>((resolve) =>
      a.socket.end('bye', (error?: Error | null) => {
        a.party.failed('ended', error);
        resolve();
      }),
    );
    a.socket.destroy();
    await ended;
  },
  'a destroy() out of a data listener': async ({ a, b }) => {
    b.flow();
    a.socket.once('data', () => a.socket.destroy());
    a.flow();
    await b.write('one');
  },
  'a destroy() while the peer still sends': async ({ a, b }) => {
    b.flow();
    const got = has(a, 1);
    void b.write(BIG);
    await got;
    a.socket.removeAllListeners('data');
    a.socket.destroy();
  },
  'resetAndDestroy() right after a write': async ({ a, b }) => {
    a.socket.write('last words');
    a.socket.resetAndDestroy();
    await b.ended;
    // Whether the words arrive is the chance of the moment.
    b.socket.resume();
  },
  'resetAndDestroy() with more unsent than the peer takes at once': async ({ a, b }) => {
    b.pause();
    void a.write(BIG);
    await b.came(65_536);
    a.socket.resetAndDestroy();
    await a.closed;
    b.socket.removeAllListeners('data');
    b.socket.resume();
  },
  'resetAndDestroy() behind an end()': async ({ a, b }) => {
    b.pause();
    a.socket.end(BIG);
    await b.came(65_536);
    a.socket.resetAndDestroy();
    await a.closed;
    b.socket.removeAllListeners('data');
    b.socket.resume();
  },
  'a write after the reset that came': async ({ a, b }) => {
    b.flow();
    const told = new Promise((resolve) => b.socket.once('error', resolve));
    a.socket.resetAndDestroy();
    await told;
    await b.write('too late');
  },
  'silence that setTimeout tells of, and a destroy() then': async ({ a, b }) => {
    b.flow();
    a.flow();
    a.party.watch(a.socket, '', ['timeout']);
    (a.socket as unknown as { setTimeout(ms: number): void }).setTimeout(30);
    await new Promise((resolve) => a.socket.once('timeout', resolve));
    a.socket.destroy();
  },
  'a loop over the stream, to its end': async ({ a, b }) => {
    b.socket.write('one');
    b.socket.destroySoon();
    for await (const piece of a.socket as AsyncIterable<Buffer>) a.party.data('data', piece);
    a.party.note('looped');
  },
  'a loop over the stream, which is reset': async ({ a, b }) => {
    const looped = (async () => {
      for await (const piece of a.socket as AsyncIterable<Buffer>) {
        a.party.data('data', piece);
        b.socket.resetAndDestroy();
      }
    })();
    b.socket.write('one');
    await looped.catch((error: Error) => a.party.failed('looped', error));
  },
  'a pipeline out of the socket, to its end': async ({ a, b }) => {
    b.flow();
    a.socket.write('bye');
    a.socket.destroySoon();
    const pieces: Buffer[] = [];
    await pipeline(b.socket, async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) pieces.push(piece);
    }).then(
      () => b.party.note(`pipeline ${Buffer.concat(pieces).length}`),
      (error: Error) => b.party.failed('pipeline', error),
    );
  },
  'a pipeline out of the socket whose destination fails': async ({ a, b }) => {
    a.flow();
    const failing = pipeline(b.socket, async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) b.party.data('data', piece);
      throw Object.assign(new Error('the destination'), { code: 'DESTINATION' });
    });
    a.socket.write('one');
    a.socket.destroySoon();
    await failing.catch((error: Error) => b.party.failed('pipeline', error));
  },
};
