import { describe, expect, it } from 'vitest';
import { HandshakeAdmission, sourceOf, type Ticket } from '../../src/poolnode/admission.js';
import { HANDSHAKE_LIMITS } from '../../src/poolnode/constants.js';

const MS = 1_000_000n;

/** An admission whose starts are recorded. */
class Door {
  readonly started: Ticket[] = [];
  readonly admission = new HandshakeAdmission();
  now = 1000n * MS;

  arrive(address: string): Ticket | null {
    return this.admission.arrive(address, this.now, (ticket) => this.started.push(ticket));
  }

  /** `count` connections from as many addresses. */
  crowd(count: number, net = '10.1'): Ticket[] {
    return Array.from({ length: count }, (_, i) => this.arrive(`${net}.${i >> 8}.${i & 255}`)!);
  }

  /** Starts of one source so far. */
  starts(source: string): number {
    return this.started.filter((ticket) => ticket.source === source).length;
  }
}

describe('HandshakeAdmission', () => {
  it('holds to its figures', () => {
    expect(HANDSHAKE_LIMITS).toMatchObject({ pendingPerSource: 16, pending: 256, timeout: 10_000, busyAbove: 64 });
    expect(HANDSHAKE_LIMITS).toMatchObject({ rate: 20, burst: 5, difficulty: 8, busyDifficulty: 16 });
  });

  it('lets 16 handshakes of one address be pending, and not a 17th, and others all the same', () => {
    const door = new Door();
    const tickets = Array.from({ length: 16 }, () => door.arrive('192.0.2.1'));
    expect(tickets).not.toContain(null);
    expect(door.arrive('192.0.2.1')).toBeNull();
    expect(door.arrive('192.0.2.2')).not.toBeNull();
    door.admission.release(tickets[3]!, door.now);
    expect(door.arrive('192.0.2.1')).not.toBeNull();
    expect(door.arrive('192.0.2.1')).toBeNull();
  });

  it('lets 256 be pending in all, and not a 257th', () => {
    const door = new Door();
    const tickets = door.crowd(255);
    expect(door.arrive('10.9.0.1')).not.toBeNull();
    expect(door.arrive('10.9.0.2')).toBeNull();
    expect(door.admission.pending).toBe(256);
    door.admission.release(tickets[0]!, door.now);
    expect(door.arrive('10.9.0.2')).not.toBeNull();
  });

  it('gives each 10 s from its arrival', () => {
    const door = new Door();
    expect(door.arrive('192.0.2.1')!.deadline).toBe(door.now + 10_000n * MS);
  });

  it('forgets a released ticket once', () => {
    const door = new Door();
    const [first] = door.crowd(2);
    door.admission.release(first!, door.now);
    door.admission.release(first!, door.now);
    expect(door.admission.pending).toBe(1);
  });

  it('asks for harder puzzles above 64 pending', () => {
    const door = new Door();
    const tickets = door.crowd(64);
    expect(door.admission.difficulty).toBe(8);
    const last = door.arrive('10.9.0.1')!;
    expect(door.admission.difficulty).toBe(16);
    door.admission.release(last, door.now);
    expect(door.admission.difficulty).toBe(8);
    expect(tickets.length).toBe(64);
  });

  it('rations nobody while 64 or fewer are pending', () => {
    const door = new Door();
    for (let i = 0; i < 100; i++) door.admission.release(door.arrive('192.0.2.1')!, door.now);
    expect(door.starts('192.0.2.1')).toBe(100);
  });

  it('starts 5 of a source at once when busy, then one each 50 ms, in order of arrival', () => {
    const door = new Door();
    door.crowd(65);
    const tickets = Array.from({ length: 8 }, () => door.arrive('192.0.2.1')!);
    expect(door.starts('192.0.2.1')).toBe(5);
    expect(door.admission.nextTime()).toBe(door.now + 50n * MS);
    door.now += 50n * MS - 1n;
    door.admission.proceed(door.now);
    expect(door.starts('192.0.2.1')).toBe(5);
    door.now += 1n;
    door.admission.proceed(door.now);
    expect(door.starts('192.0.2.1')).toBe(6);
    door.now += 100n * MS;
    door.admission.proceed(door.now);
    expect(door.started.slice(-8)).toEqual(tickets);
    expect(door.admission.nextTime()).toBeNull();
  });

  it('does not make one source wait for another', () => {
    const door = new Door();
    door.crowd(65);
    for (let i = 0; i < 16; i++) door.arrive('192.0.2.1');
    door.arrive('192.0.2.2');
    expect(door.starts('192.0.2.2')).toBe(1);
  });

  it('keeps a source to 20 a second over time', () => {
    const door = new Door();
    door.crowd(65);
    let refused = 0;
    let passed = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      const ticket = door.arrive('192.0.2.1');
      if (ticket === null) refused++;
      for (const started of door.started.splice(0)) {
        if (started.source !== '192.0.2.1') continue;
        door.admission.release(started, door.now);
        passed++;
      }
      door.now += 10n * MS;
      door.admission.proceed(door.now);
    }
    expect(passed).toBeGreaterThanOrEqual(200);
    expect(passed).toBeLessThanOrEqual(206);
    expect(refused).toBeGreaterThan(700);
  });

  it('lets all that wait in once it is no longer busy', () => {
    const door = new Door();
    const crowd = door.crowd(60);
    for (let i = 0; i < 16; i++) door.arrive('192.0.2.1');
    expect(door.starts('192.0.2.1')).toBeLessThan(16);
    for (const ticket of crowd.slice(0, 12)) door.admission.release(ticket, door.now);
    expect(door.admission.pending).toBe(64);
    expect(door.starts('192.0.2.1')).toBe(16);
  });

  it('never starts what left while it waited', () => {
    const door = new Door();
    door.crowd(65);
    const tickets = Array.from({ length: 6 }, () => door.arrive('192.0.2.1')!);
    door.admission.release(tickets[5]!, door.now);
    door.now += 1000n * MS;
    door.admission.proceed(door.now);
    expect(door.started).not.toContain(tickets[5]);
    expect(door.admission.nextTime()).toBeNull();
  });
});

describe('sourceOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['FEBF::1', 'FEBF::1'],
  ])('%s counts as %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
