import { describe, expect, it } from 'vitest';
import { WriteStall } from '../../../src/poolnode/session/write-stall.js';

const MS = 1_000_000n;

/** A stuck session in virtual time: `send` hands bytes over, `take` is the system's taking them. */
class Stuck {
  readonly input: { pausedSince: bigint | null } = { pausedSince: null };
  readonly socket = { bytesWritten: 0, writableLength: 0, _handle: { writeQueueSize: 0 } };
  readonly stall: WriteStall;
  now = 0n;

  constructor(timeout: number) {
    this.stall = new WriteStall(this.input, this.socket, BigInt(timeout) * MS);
  }

  send(bytes: number): void {
    this.socket.bytesWritten += bytes;
    this.socket.writableLength += bytes;
    this.socket._handle.writeQueueSize ||= bytes;
  }

  /** Takes bytes of the write in progress; the whole of it tells Node. */
  take(bytes: number): void {
    this.socket._handle.writeQueueSize -= bytes;
    if (this.socket._handle.writeQueueSize === 0) this.socket.writableLength = 0;
  }

  /** Lets `ms` go by, with a look whenever one is due; true when it is stuck. */
  later(ms: number): boolean {
    const end = this.now + BigInt(ms) * MS;
    for (let next = this.stall.deadline; next !== null && next <= end; next = this.stall.deadline) {
      if (next > this.now) this.now = next;
      if (this.stall.check(this.now)) return true;
    }
    this.now = end;
    return false;
  }

  /** ms until it is stuck. */
  stuckAfter(): number {
    const from = this.now;
    expect(this.later(3_600_000)).toBe(true);
    return Number((this.now - from) / MS);
  }
}

describe('WriteStall', () => {
  it('ends a session of which nothing moves when the timeout is over, and not before', () => {
    const session = new Stuck(60_000);
    session.send(1000);
    session.input.pausedSince = 0n;
    expect(session.later(59_999)).toBe(false);
    expect(session.later(1)).toBe(true);
  });

  it('counts from the last byte that the socket took, of whole writes or of parts', () => {
    const session = new Stuck(60_000);
    session.send(100);
    session.input.pausedSince = 0n;
    session.later(50_000);
    session.take(1);
    expect(session.later(50_000)).toBe(false);
    session.take(99);
    session.send(10);
    const after = session.stuckAfter();
    // Seen at the next look, of which there are four in a timeout.
    expect(after).toBeGreaterThanOrEqual(60_000);
    expect(after).toBeLessThanOrEqual(75_000);
  });

  it('never ends who takes a byte now and then', () => {
    const session = new Stuck(1000);
    session.send(100);
    session.input.pausedSince = 0n;
    for (let taken = 0; taken < 99; taken++) {
      expect(session.later(740)).toBe(false);
      session.take(1);
    }
  });

  it('says nothing while this side reads, and counts from the pause on', () => {
    const session = new Stuck(1000);
    session.send(100);
    expect(session.stall.deadline).toBeNull();
    expect(session.later(10_000)).toBe(false);
    session.input.pausedSince = session.now;
    expect(session.stuckAfter()).toBe(1000);
  });

  it('begins anew with each pause', () => {
    const session = new Stuck(1000);
    session.send(100);
    session.input.pausedSince = 0n;
    expect(session.later(900)).toBe(false);
    session.input.pausedSince = session.now;
    expect(session.later(900)).toBe(false);
    expect(session.stuckAfter()).toBe(100);
  });

  it('says nothing while there is nothing to write, and counts from when there is', () => {
    const session = new Stuck(1000);
    session.input.pausedSince = 0n;
    expect(session.later(10_000)).toBe(false);
    session.send(100);
    const after = session.stuckAfter();
    expect(after).toBeGreaterThanOrEqual(750);
    expect(after).toBeLessThanOrEqual(1250);
  });

  it('takes a process that stood still for no stall of the peer', () => {
    const session = new Stuck(1000);
    session.send(100);
    session.input.pausedSince = 0n;
    session.now = 5000n * MS;
    expect(session.stall.check(session.now)).toBe(false);
    expect(session.stuckAfter()).toBe(1000);
  });

  it('knows of whole writes where the runtime tells of no others', () => {
    const session = new Stuck(1000);
    Object.assign(session.socket, { _handle: null });
    session.socket.bytesWritten = session.socket.writableLength = 300;
    session.input.pausedSince = 0n;
    expect(session.later(500)).toBe(false);
    session.socket.writableLength = 200;
    expect(session.later(900)).toBe(false);
    expect(session.later(600)).toBe(true);
  });

  it('0 is never', () => {
    const session = new Stuck(0);
    session.send(100);
    session.input.pausedSince = 0n;
    expect(session.stall.deadline).toBeNull();
    expect(session.stall.check(10n ** 18n)).toBe(false);
  });
});
