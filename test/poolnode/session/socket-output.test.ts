import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { FIRST_WRITE_MESSAGES, WRITE_BATCH, WRITE_HIGH_WATER } from '../../../src/poolnode/constants.js';
import { SocketOutput, type WritableSocket } from '../../../src/poolnode/session/socket-output.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A socket that keeps what it gets until `written` says that the system took it. */
class SlowSocket implements WritableSocket {
  writableLength = 0;
  destroyed = false;
  /** What reached the system in one call each. */
  readonly batches: Uint8Array[][] = [];
  #corked = false;
  #open: { pieces: Uint8Array[]; callbacks: ((error?: Error | null) => void)[] } = { pieces: [], callbacks: [] };
  readonly #unwritten: { bytes: number; callbacks: ((error?: Error | null) => void)[] }[] = [];

  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    this.#corked = false;
    this.#close();
  }

  write(data: Uint8Array, written?: (error?: Error | null) => void): boolean {
    this.#open.pieces.push(data);
    if (written !== undefined) this.#open.callbacks.push(written);
    this.writableLength += data.length;
    if (!this.#corked) this.#close();
    return true;
  }

  #close(): void {
    const { pieces, callbacks } = this.#open;
    this.#open = { pieces: [], callbacks: [] };
    this.batches.push(pieces);
    this.#unwritten.push({ bytes: pieces.reduce((sum, piece) => sum + piece.length, 0), callbacks });
  }

  written(error?: Error): void {
    const batch = this.#unwritten.shift()!;
    this.writableLength -= batch.bytes;
    for (const callback of batch.callbacks) callback(error);
  }
}

function setup() {
  const socket = new SlowSocket();
  let pieces: Uint8Array[] = [];
  const log: string[] = [];
  const source = {
    get hasOutput() {
      return pieces.length > 0;
    },
    takeOutput() {
      const taken = pieces;
      pieces = [];
      return taken;
    },
    outputWritten: () => undefined,
  };
  const output = new SocketOutput(socket, source, {
    room: () => log.push('room'),
    threw: (error) => log.push(`threw ${(error as Error).message}`),
  });
  const send = (bytes: number, done?: (error?: PoolError) => void): boolean => {
    pieces.push(new Uint8Array(bytes));
    return output.sent(bytes, done);
  };
  const note = (name: string) => (error?: PoolError) =>
    void log.push(error === undefined ? name : `${name} ${error.code}`);
  return { socket, output, send, note, log, put: (bytes: number) => pieces.push(new Uint8Array(bytes)) };
}

describe('SocketOutput', () => {
  it('hands over all of one tick in one batch, at its end', async () => {
    const { socket, send } = setup();
    for (let i = 1; i <= 5; i++) send(i);
    expect(socket.batches).toEqual([]);
    await tick();
    expect(socket.batches.map((batch) => batch.map((piece) => piece.length))).toEqual([[1, 2, 3, 4, 5]]);
  });

  it('does not wait for the end of the tick once a batch is large', () => {
    const { socket, send } = setup();
    send(WRITE_BATCH - 1);
    expect(socket.batches.length).toBe(0);
    send(1);
    expect(socket.batches.length).toBe(1);
  });

  it('does not wait for the end of the tick with many messages either, in batches that double', async () => {
    const { socket, send } = setup();
    const first = FIRST_WRITE_MESSAGES;
    const sizes = (): number[] => socket.batches.map((batch) => batch.length);
    for (let i = 0; i < 4 * first; i++) {
      send(1);
      // A socket that takes everything at once.
      if (socket.writableLength > 0) socket.written();
    }
    expect(sizes()).toEqual([first, 2 * first]);
    await tick();
    expect(sizes()).toEqual([first, 2 * first, first]);
    socket.written();
    for (let i = 0; i < first; i++) send(1);
    expect(sizes()).toEqual([first, 2 * first, first, first]);
  });

  it('waits for the end of the tick where the socket has not taken what it got before', async () => {
    const { socket, send } = setup();
    for (let i = 0; i < 10 * FIRST_WRITE_MESSAGES; i++) send(1);
    expect(socket.batches.length).toBe(1);
    await tick();
    expect(socket.batches.map((batch) => batch.length)).toEqual([FIRST_WRITE_MESSAGES, 9 * FIRST_WRITE_MESSAGES]);
  });

  it('lets the event loop turn where a loop awaits what the system takes at once', async () => {
    const { socket, send } = setup();
    let turned = false;
    setImmediate(() => (turned = true));
    let sent = 0;
    for (; sent < 1000 && !turned; sent++) {
      const told = new Promise<unknown>((resolve) => send(1, resolve));
      await Promise.resolve();
      process.nextTick(() => socket.written());
      await told;
    }
    expect([turned, sent < 1000]).toEqual([true, true]);
  });

  it('keeps the order where some are told in the next turn, and tells of no failure what the system has', async () => {
    const { socket, output, send, note, log } = setup();
    const names = Array.from({ length: 100 }, (_, at) => `${at}`);
    for (const name of names) {
      send(1, note(name));
      output.flush();
      socket.written();
    }
    expect(log.length).toBeGreaterThan(0);
    expect(log.length).toBeLessThan(100);
    send(1, note('last'));
    output.fail(new PoolError('ECONNRESET', 'gone'));
    expect(log).toEqual([...names, 'last ECONNRESET']);
    await tick();
    expect(log).toHaveLength(101);
  });

  it('tells senders, in order, when the socket wrote their bytes and not before', async () => {
    const { socket, send, note, log } = setup();
    send(10, note('first'));
    send(10, note('second'));
    await tick();
    send(10, note('third'));
    await tick();
    expect(log).toEqual([]);
    socket.written();
    expect(log).toEqual(['first', 'second']);
    socket.written();
    expect(log).toEqual(['first', 'second', 'third']);
  });

  it('asks to wait above the mark, and tells once when there is room', async () => {
    const { socket, send, log } = setup();
    expect(send(WRITE_HIGH_WATER)).toBe(true);
    expect(send(1)).toBe(false);
    await tick();
    expect(socket.batches.length).toBe(2);
    expect(log).toEqual([]);
    socket.written();
    expect(log).toEqual(['room']);
    socket.written();
    expect(log).toEqual(['room']);
  });

  it('leaves output with the protocol while the socket holds enough', async () => {
    const { socket, send, put, output } = setup();
    send(WRITE_HIGH_WATER + 1);
    put(7);
    output.schedule();
    await tick();
    expect(socket.batches.length).toBe(1);
    socket.written();
    expect(socket.batches.length).toBe(2);
  });

  it('hands over the rest at finish, however full the socket is, and nothing later', async () => {
    const { socket, send, put, output } = setup();
    send(WRITE_HIGH_WATER + 1);
    put(7);
    output.finish();
    expect(socket.batches.length).toBe(2);
    put(7);
    output.schedule();
    await tick();
    expect(socket.batches.length).toBe(2);
  });

  it('fails what was not written, once, whatever a destroyed socket says', async () => {
    const { socket, send, note, output, log } = setup();
    send(10, note('in flight'));
    await tick();
    send(10, note('gathered'));
    socket.destroyed = true;
    socket.written();
    expect(log).toEqual([]);
    output.fail(new PoolError('ERR_POOL_PEER_LOST', 'gone'));
    output.fail(new PoolError('ERR_POOL_CLOSED', 'again'));
    await tick();
    expect(log).toEqual(['in flight ERR_POOL_PEER_LOST', 'gathered ERR_POOL_PEER_LOST']);
  });

  it('takes a write that failed for no success', async () => {
    const { socket, send, note, output, log } = setup();
    send(10, note('sent'));
    await tick();
    socket.written(new Error('EPIPE'));
    expect(log).toEqual([]);
    output.fail(new PoolError('ERR_POOL_PEER_LOST', 'gone'));
    expect(log).toEqual(['sent ERR_POOL_PEER_LOST']);
  });

  it('reports a callback that throws, and calls the next one', async () => {
    const { socket, send, note, log } = setup();
    send(1, () => {
      throw new Error('oops');
    });
    send(1, note('second'));
    await tick();
    socket.written();
    expect(log).toEqual(['threw oops', 'second']);
  });
});
