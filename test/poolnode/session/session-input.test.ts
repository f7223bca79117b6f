import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { Session, SessionEvent } from '../../../src/poolnode/protocol/types.js';
import { SessionInput } from '../../../src/poolnode/session/session-input.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A protocol whose every byte is an event: a message of one byte, but 255 is CLOSE and 254 a fault. */
class ByteProtocol {
  readonly calls: string[] = [];
  #bytes: number[] = [];
  #ended = false;

  receive(chunk: Uint8Array): void {
    this.#bytes.push(...chunk);
  }

  next(): SessionEvent | null {
    const byte = this.#bytes.shift();
    if (byte === 255) return { type: 'closed' };
    if (byte === 254) return { type: 'failed', error: new PoolError('ERR_POOL_AUTH_FAILED', 'forged') };
    if (byte === 253) return { type: 'rekeyed', count: 1 };
    if (byte !== undefined) return { type: 'message', channel: 0, data: Uint8Array.of(byte) };
    return this.#ended ? { type: 'failed', error: new PoolError('ERR_POOL_PEER_LOST', 'FIN') } : null;
  }

  receiveEnd(): void {
    this.#ended = true;
  }

  pauseReading(): void {
    this.calls.push('pause');
  }

  resumeReading(): void {
    this.calls.push('resume');
  }
}

function setup(message: (byte: number) => boolean = () => true) {
  const protocol = new ByteProtocol();
  const socket = {
    paused: false,
    pause() {
      this.paused = true;
    },
    resume() {
      this.paused = false;
    },
    isPaused() {
      return this.paused;
    },
  };
  const log: (string | number)[] = [];
  const input = new SessionInput(socket, protocol as unknown as Session, () => 5n, {
    message: (_channel, data) => {
      log.push(data[0]!);
      return message(data[0]!);
    },
    rekeyed: (count) => log.push(`rekeyed ${count}`),
    closed: () => log.push('closed'),
    failed: (error) => log.push(error.code),
    worked: () => {},
    threw: (error) => {
      log.push(`threw ${(error as Error).message}`);
      input.stop();
    },
  });
  return { protocol, socket, input, log, feed: (...bytes: number[]) => input.receive(Uint8Array.from(bytes)) };
}

describe('SessionInput', () => {
  it('reads nothing before it is resumed', async () => {
    const { socket, input, log, feed, protocol } = setup();
    expect(socket.paused).toBe(true);
    feed(1);
    expect(log).toEqual([]);
    input.resume();
    expect(log).toEqual([]);
    await tick();
    expect(log).toEqual([1]);
    expect(socket.paused).toBe(false);
    expect(protocol.calls).toEqual(['pause', 'resume']);
  });

  it('stops within a chunk when the owner has enough, and goes on where it stopped', async () => {
    const { socket, input, log, feed, protocol } = setup((byte) => byte !== 2);
    input.resume();
    feed(1, 2, 3, 4);
    expect(log).toEqual([1, 2]);
    expect(socket.paused).toBe(true);
    expect(input.pausedSince).toBe(5n);
    input.resume();
    await tick();
    expect(log).toEqual([1, 2, 3, 4]);
    expect(input.pausedSince).toBeNull();
    expect(protocol.calls).toEqual(['pause', 'resume', 'pause', 'resume']);
  });

  it('can be paused and resumed from within a message', () => {
    const { socket, input, log, feed } = setup((byte) => {
      if (byte === 1) input.pause();
      if (byte === 1) input.resume();
      return true;
    });
    input.resume();
    feed(1, 2);
    expect(log).toEqual([1, 2]);
    expect(socket.paused).toBe(false);
  });

  it('does not re-enter the owner when a message feeds more', () => {
    let depth = 0;
    let deepest = 0;
    const { input, log, feed } = setup((byte) => {
      deepest = Math.max(deepest, ++depth);
      if (byte === 1) feed(9);
      depth--;
      return true;
    });
    input.resume();
    feed(1, 2);
    expect(log).toEqual([1, 2, 9]);
    expect(deepest).toBe(1);
  });

  it.each([
    ['a FIN', 'fin', 'ERR_POOL_PEER_LOST'],
    ['a reset', new PoolError('ERR_POOL_PEER_LOST', 'reset'), 'ERR_POOL_PEER_LOST'],
  ] as const)('tells of %s after all that came before it', async (_name, how, code) => {
    const { input, log, feed } = setup((byte) => byte !== 1);
    input.resume();
    feed(1, 2);
    input.end(how);
    expect(log).toEqual([1]);
    input.resume();
    await tick();
    expect(log).toEqual([1, 2, code]);
  });

  it('gives nothing after the peer closed', () => {
    const { input, log, feed } = setup();
    input.resume();
    feed(1, 255, 2);
    feed(3);
    input.end('fin');
    expect(log).toEqual([1, 'closed']);
  });

  it('gives nothing after a fault', () => {
    const { input, log, feed } = setup();
    input.resume();
    feed(253, 254, 2);
    expect(log).toEqual(['rekeyed 1', 'ERR_POOL_AUTH_FAILED']);
  });

  it('discards messages when told to, even those it held, and still sees faults', async () => {
    const { input, log, feed, socket } = setup();
    feed(1, 2);
    input.discard();
    await tick();
    expect(log).toEqual([]);
    expect(socket.paused).toBe(false);
    feed(3);
    input.pause();
    expect(socket.paused).toBe(false);
    feed(254);
    expect(log).toEqual(['ERR_POOL_AUTH_FAILED']);
  });

  it('hands over what the owner throws', () => {
    const { input, log, feed } = setup((byte) => {
      if (byte === 2) throw new Error('oops');
      return true;
    });
    input.resume();
    feed(1, 2, 3);
    expect(log).toEqual([1, 2, 'threw oops']);
  });
});
