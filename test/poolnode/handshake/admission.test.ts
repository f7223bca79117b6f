import { describe, expect, it } from 'vitest';
import type { PoolError } from '../../../src/base/errors.js';
import { HandshakeAdmission, sourceOf, type Ticket } from '../../../src/poolnode/handshake/admission.js';
import { CHALLENGE_TIMEOUT_MS, HANDSHAKE_LIMITS } from '../../../src/poolnode/constants.js';
import type { HandshakeLimits } from '../../../src/poolnode/types.js';
import { AdmissionModel } from './admission-model.js';
import { seeded } from '../protocol/seeded.js';

const MS = 1_000_000n;

interface Refusal {
  ticket: Ticket | undefined;
  reason: string;
  error: PoolError | undefined;
}

/** An admission whose starts and refusals are recorded. */
class Door {
  readonly started: Ticket[] = [];
  readonly refused: Refusal[] = [];
  readonly admission: HandshakeAdmission;
  now = 1000n * MS;

  constructor(limits: Partial<HandshakeLimits> = {}) {
    this.admission = new HandshakeAdmission(limits);
  }

  arrive(address: string): Ticket {
    const refusal: Refusal = { ticket: undefined, reason: '', error: undefined };
    refusal.ticket = this.admission.arrive(address, this.now, {
      start: (started) => this.started.push(started),
      refused: (reason, error) => this.refused.push(Object.assign(refusal, { reason, error })),
    });
    return refusal.ticket;
  }

  /** `count` connections from as many addresses. */
  crowd(count: number, net = '10.1'): Ticket[] {
    return Array.from({ length: count }, (_, i) => this.arrive(`${net}.${i >> 8}.${i & 255}`));
  }

  /** `count` connections from one address. */
  many(count: number, address = '192.0.2.1'): Ticket[] {
    return Array.from({ length: count }, () => this.arrive(address));
  }

  silent(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) this.admission.silent(ticket);
  }

  challenged(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) this.admission.challenged(ticket);
  }

  release(ticket: Ticket): void {
    this.admission.release(ticket, this.now);
  }

  later(ms: number): void {
    this.now += BigInt(Math.round(ms * 1e6));
    this.admission.proceed(this.now);
  }

  /** Starts of one source so far. */
  starts(source: string): number {
    return this.started.filter((ticket) => ticket.source === source).length;
  }

  get victims(): (Ticket | undefined)[] {
    return this.refused.map(({ ticket }) => ticket);
  }
}

describe('HandshakeAdmission', () => {
  it('holds to its figures', () => {
    expect(HANDSHAKE_LIMITS).toEqual({
      pending: 1024,
      started: 256,
      startedPerAddress: 16,
      queueTimeout: 20_000,
      initTimeout: 10_000,
      minInitTimeout: 1000,
      timeout: 10_000,
      minTimeout: 3000,
      busyAbove: 64,
      rate: 20,
      burst: 5,
      difficulty: 8,
      busyDifficulty: 16,
    });
  });

  it('gives up a connection that waits before its dial gives up CHALLENGE, all of INIT included', () => {
    expect(HANDSHAKE_LIMITS.queueTimeout + HANDSHAKE_LIMITS.minInitTimeout).toBeLessThan(CHALLENGE_TIMEOUT_MS);
  });

  it('reads 16 connections of one address at a time, in order of arrival, and loses none of 1000', () => {
    const door = new Door();
    const tickets = door.many(1000);
    expect(door.started).toEqual(tickets.slice(0, 16));
    for (let done = 0; done < 1000; done++) door.release(door.started[done]!);
    expect(door.started).toEqual(tickets);
    expect(door.refused).toEqual([]);
    expect(door.admission.pending).toBe(0);
    expect(door.admission.nextTime()).toBeNull();
  });

  it('does not make one address wait for another', () => {
    const door = new Door();
    door.many(1000);
    const other = door.arrive('192.0.2.2');
    expect(door.started.at(-1)).toBe(other);
  });

  it('gives the next place to the address that has the fewest', () => {
    const door = new Door({ started: 4 });
    const many = door.many(2, '10.2.0.1');
    const more = door.many(2, '10.2.0.2');
    const others = [3, 4, 5, 6].map((i) => door.arrive(`10.2.0.${i}`));
    expect(door.started).toEqual([many[0], more[0], others[0], others[1]]);
    door.release(more[0]!);
    expect(door.started.at(-1)).toBe(more[1]);
    door.release(many[0]!);
    expect(door.started.at(-1)).toBe(many[1]);
  });

  it('reads 256 at a time in all, and keeps places free for others where a few addresses have many', () => {
    const busy = (addresses: number): number => {
      const door = new Door({ pending: 100_000 });
      for (let i = 0; i < addresses; i++) door.many(20, `10.2.${i >> 8}.${i & 255}`);
      return door.started.length;
    };
    expect([1, 4, 16, 256, 300].map(busy)).toEqual([16, 64, 229, 256, 256]);
  });

  it('takes a new address when all places to wait are taken: the oldest silent one of the largest source gives way', () => {
    const door = new Door({ pending: 20, startedPerAddress: 4 });
    const quiet = door.many(12, '10.3.0.1');
    const others = door.many(8, '10.3.0.2');
    door.silent([...quiet, ...others]);
    const arrived = door.arrive('192.0.2.1');
    expect(door.refused).toMatchObject([{ ticket: quiet[0], reason: 'too-many-handshakes' }]);
    expect(door.refused[0]!.error!.code).toBe('ERR_POOL_TIMEOUT');
    expect(door.refused[0]!.error!.message).toContain('its address has the most');
    expect(door.admission.pending).toBe(20);
    expect(door.started.includes(arrived)).toBe(true);
  });

  it('lets silence give way before waiting, and what owes RESPONSE last', () => {
    const door = new Door({ pending: 5, startedPerAddress: 3 });
    const [challenged, started, silent, waiting, newer] = door.many(5) as [Ticket, Ticket, Ticket, Ticket, Ticket];
    door.challenged([challenged]);
    door.silent([silent]);
    // Each arrival from elsewhere costs the largest source one; what waited has its turn when the silent one has gone.
    door.crowd(3, '10.4');
    expect(door.victims.map((victim) => [silent, newer, started].indexOf(victim!))).toEqual([0, 1, 2]);
    door.challenged([waiting]);
    door.arrive('10.5.0.1');
    expect(door.victims.at(-1) === challenged).toBe(true);
  });

  it('lets no address of few lose to one of many', () => {
    const door = new Door();
    const honest = door.crowd(20, '10.7');
    for (let i = 0; i < 5000; i++) door.silent([door.arrive(`10.8.0.${i % 16}`)]);
    expect(honest.filter((ticket) => door.victims.includes(ticket))).toEqual([]);
    expect(door.refused.length).toBe(5020 - 1024);
    expect(door.refused.every(({ reason }) => reason === 'too-many-handshakes')).toBe(true);
  });

  it('refuses who comes where nobody may be pending', () => {
    const door = new Door({ pending: 0 });
    const reasons: string[] = [];
    const ticket = door.admission.arrive('192.0.2.1', door.now, {
      start: () => reasons.push('started'),
      refused: (reason) => reasons.push(reason),
    });
    expect(reasons).toEqual(['too-many-handshakes']);
    door.release(ticket);
    expect(door.admission.pending).toBe(0);
  });

  it('counts the time from the first read, and not that of the wait', () => {
    const door = new Door({ startedPerAddress: 2, minInitTimeout: 10_000 });
    const [first, second, third] = door.many(3) as [Ticket, Ticket, Ticket];
    door.silent([first, second]);
    door.later(9999);
    expect(door.refused).toEqual([]);
    door.release(first);
    door.silent([third]);
    door.later(1);
    expect(door.victims).toEqual([second]);
    expect(door.refused[0]).toMatchObject({ reason: 'handshake-failed', error: { code: 'ERR_POOL_TIMEOUT' } });
    expect(door.refused[0]!.error!.message).toContain('no INIT within 10000 ms');
    door.later(9997);
    expect(door.victims).toEqual([second]);
    door.later(2);
    expect(door.victims).toEqual([second, third]);
  });

  it('gives a silent connection 10 s while half of the places are free, and 1 s when none is', () => {
    const patience = (count: number): number => {
      const door = new Door();
      door.silent(door.many(count));
      return Number((door.admission.nextTime()! - door.now) / MS);
    };
    expect([1, 8, 12, 16, 17].map(patience)).toEqual([10_000, 10_000, 5500, 1000, 1000]);
    const crowded = (count: number): number => {
      const door = new Door();
      door.silent(door.crowd(count));
      return Number((door.admission.nextTime()! - door.now) / MS);
    };
    expect([1, 128, 192, 256, 300].map(crowded)).toEqual([10_000, 10_000, 5500, 1000, 1000]);
  });

  it('gives RESPONSE 10 s and 3 s in the same way', () => {
    const patience = (count: number): number => {
      const door = new Door();
      door.challenged(door.many(count));
      return Number((door.admission.nextTime()! - door.now) / MS);
    };
    expect([8, 16].map(patience)).toEqual([10_000, 3000]);
    const door = new Door({ timeout: 100 });
    door.challenged(door.many(16));
    door.later(100);
    expect(door.refused.length).toBe(16);
    expect(door.refused[0]!.error!.message).toContain('no RESPONSE within 100 ms');
  });

  it('ends of the late no more than it needs: each that goes gives the others more time', () => {
    const door = new Door();
    const quiet = door.many(16);
    door.silent(quiet);
    door.later(1000);
    expect(door.victims).toEqual([quiet[0]]);
    door.later(9000);
    expect(door.admission.pending).toBe(0);
  });

  it('never ends what was started a moment ago, however late it is', () => {
    const door = new Door();
    const [ticket] = door.many(1);
    door.later(60_000);
    expect(door.refused).toEqual([]);
    door.silent([ticket!]);
    door.later(0);
    expect(door.victims).toEqual([ticket]);
  });

  it('gives up after 20 s of waiting, and says so', () => {
    const door = new Door({ startedPerAddress: 1 });
    const [first, second] = door.many(2) as [Ticket, Ticket];
    door.challenged([first]);
    expect(door.admission.nextTime()).toBe(door.now + 3000n * MS);
    door.later(2000);
    door.release(first);
    const [third] = door.many(1) as [Ticket];
    expect(door.started).toEqual([first, second]);
    door.later(19_999);
    expect(door.victims).toEqual([]);
    door.later(1);
    expect(door.victims).toEqual([third]);
    expect(door.refused[0]).toMatchObject({ reason: 'too-many-handshakes', error: { code: 'ERR_POOL_TIMEOUT' } });
    expect(door.refused[0]!.error!.message).toContain('waited 20000 ms for its turn');
  });

  it('forgets a released ticket once', () => {
    const door = new Door();
    const [first] = door.crowd(2);
    door.release(first!);
    door.release(first!);
    expect(door.admission.pending).toBe(1);
  });

  it('gives their turn to 5000 that leave as it comes, one after the other and not one within the other', () => {
    const limits = { pending: 10_000, startedPerAddress: 1, started: 8, busyAbove: 10_000 };
    const door = new HandshakeAdmission(limits);
    const started: number[] = [];
    let deep = 0;
    let deepest = 0;
    const arrive = (i: number): Ticket =>
      door.arrive(`10.1.0.${i % 3}`, 0n, {
        start: (ticket) => {
          deepest = Math.max(deepest, ++deep);
          if (i >= 3) {
            started.push(i);
            door.release(ticket, 0n);
          }
          deep--;
        },
        refused: () => {},
      });
    const first = [0, 1, 2].map(arrive);
    for (let i = 3; i < 5003; i++) arrive(i);
    expect([door.pending, started]).toEqual([5003, []]);
    for (const ticket of first) door.release(ticket, 0n);
    expect(started.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 5000 }, (_, i) => i + 3));
    expect([deepest, door.pending, door.nextTime()]).toEqual([1, 0, null]);
  });

  it('lets others in after a start that threw', () => {
    const door = new HandshakeAdmission();
    const broken = (): never => {
      throw new Error('a fault');
    };
    expect(() => door.arrive('192.0.2.1', 0n, { start: broken, refused: () => {} })).toThrow('a fault');
    let starts = 0;
    door.arrive('192.0.2.2', 0n, { start: () => starts++, refused: () => {} });
    expect(starts).toBe(1);
  });

  it('asks for harder puzzles above 64 between INIT and the proof, and not for a queue or for silence', () => {
    const door = new Door();
    door.many(500);
    door.silent(door.crowd(100, '10.9'));
    expect(door.admission.difficulty).toBe(8);
    const tickets = door.crowd(65);
    door.challenged(tickets.slice(0, 64));
    door.challenged(tickets.slice(0, 64));
    expect(door.admission.difficulty).toBe(8);
    door.challenged(tickets);
    expect(door.admission.difficulty).toBe(16);
    door.release(tickets[0]!);
    expect(door.admission.difficulty).toBe(8);
  });

  it('rations nobody while 64 or fewer are at work', () => {
    const door = new Door();
    for (let i = 0; i < 100; i++) door.release(door.arrive('192.0.2.1'));
    expect(door.starts('192.0.2.1')).toBe(100);
  });

  it('starts 5 of a source at once when busy, then one each 50 ms, in order of arrival', () => {
    const door = new Door();
    door.challenged(door.crowd(65));
    const tickets = door.many(8);
    expect(door.starts('192.0.2.1')).toBe(5);
    expect(door.admission.nextTime()).toBe(door.now + 50n * MS);
    door.later(49);
    expect(door.starts('192.0.2.1')).toBe(5);
    door.later(1);
    expect(door.starts('192.0.2.1')).toBe(6);
    door.later(100);
    expect(door.started.slice(-8)).toEqual(tickets);
  });

  it('does not make one source wait for the tokens of another', () => {
    const door = new Door();
    door.challenged(door.crowd(65));
    door.many(16);
    door.arrive('192.0.2.2');
    expect(door.starts('192.0.2.2')).toBe(1);
  });

  it('keeps a source to 20 a second over time while it is busy', () => {
    const door = new Door({ timeout: 60_000, queueTimeout: 60_000 });
    door.challenged(door.crowd(65));
    let passed = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      door.arrive('192.0.2.1');
      for (const started of door.started.splice(0)) {
        if (started.source !== '192.0.2.1') continue;
        door.release(started);
        passed++;
      }
      door.later(10);
    }
    expect(passed).toBeGreaterThanOrEqual(200);
    expect(passed).toBeLessThanOrEqual(206);
  });

  it('lets all that wait in once it is no longer busy', () => {
    const door = new Door();
    const crowd = door.crowd(66);
    door.challenged(crowd);
    door.many(16);
    expect(door.starts('192.0.2.1')).toBeLessThan(16);
    door.release(crowd[0]!);
    door.release(crowd[1]!);
    expect(door.starts('192.0.2.1')).toBe(16);
  });

  it('never starts what left while it waited', () => {
    const door = new Door();
    door.challenged(door.crowd(65));
    const tickets = door.many(6);
    door.release(tickets[5]!);
    door.later(1000);
    expect(door.started).not.toContain(tickets[5]);
  });
});

describe('an attack', () => {
  /**
   * Attackers dial again 100 ms after they are dropped, so that `held` connections are always there or coming; an honest
   * dial comes each 100 ms, and has sent INIT when it is read first. Ten seconds in virtual time, in steps of 10 ms. Returns
   * how long each honest one waited, ms, and how many were refused.
   */
  function attack(addresses: number, held: number, sends: 'nothing' | 'INIT'): { waits: number[]; lost: number } {
    const admission = new HandshakeAdmission();
    const agenda: (() => void)[][] = [];
    let tick = 0;
    let now = 0n;
    const after = (ticks: number, action: () => void): void => void (agenda[tick + ticks] ??= []).push(action);
    const waits: number[] = [];
    let lost = 0;
    const strike = (address: string): void => {
      admission.arrive(address, now, {
        start: (ticket) => after(1, () => admission[sends === 'INIT' ? 'challenged' : 'silent'](ticket)),
        refused: () => after(10, () => strike(address)),
      });
    };
    const honest = (): void => {
      const came = now;
      admission.arrive('192.0.2.1', now, {
        start: (ticket) => {
          waits.push(Number((now - came) / MS));
          after(1, () => admission.challenged(ticket));
          after(2, () => admission.release(ticket, now));
        },
        refused: () => lost++,
      });
    };
    for (let i = 0; i < held; i++) strike(`203.0.113.${i % addresses}`);
    for (; tick < 1000; tick++) {
      if (tick % 10 === 0) honest();
      for (const action of agenda[tick] ?? []) action();
      now += 10n * MS;
      admission.proceed(now);
    }
    return { waits, lost };
  }

  it.each([
    [1, 16, 'nothing', 0],
    [16, 256, 'nothing', 0],
    [16, 1100, 'nothing', 0],
    [200, 1100, 'nothing', 0],
    [400, 800, 'nothing', 3000],
    [16, 256, 'INIT', 0],
    [16, 1100, 'INIT', 0],
  ] as const)(
    'from %d addresses with %d connections that send %s holds no other address up for more than %d ms',
    (addresses, held, sends, most) => {
      const { waits, lost } = attack(addresses, held, sends);
      expect(lost).toBe(0);
      // What is still waiting when the clock stops came in the last moments.
      expect(waits.length).toBeGreaterThanOrEqual(100 - most / 100 - 1);
      expect(Math.max(...waits)).toBeLessThanOrEqual(most);
    },
  );
});

describe('random arrivals, silences, answers and ends', () => {
  it('do what a plain model of the rule does', () => {
    const random = seeded('admission');
    for (let run = 0; run < 60; run++) {
      const limits = {
        ...HANDSHAKE_LIMITS,
        pending: 1 + random.int(12),
        started: 1 + random.int(6),
        startedPerAddress: 1 + random.int(4),
        busyAbove: random.int(4),
        burst: 1 + random.int(3),
        queueTimeout: 500 + random.int(3000),
      };
      const seen: string[] = [];
      const expected: string[] = [];
      const admission = new HandshakeAdmission(limits);
      const model = new AdmissionModel(limits, (event) => expected.push(event));
      const tickets: Ticket[] = [];
      let now = 0n;
      for (let step = 0; step < 300; step++) {
        const which = random.int(tickets.length + 1);
        switch (random.int(5)) {
          case 0: {
            const id = tickets.length;
            const address = `10.0.0.${random.int(4)}`;
            tickets.push(
              admission.arrive(address, now, {
                start: () => seen.push(`start ${id}`),
                refused: (reason) => seen.push(`${reason} ${id}`),
              }),
            );
            model.arrive(id, address, now);
            break;
          }
          case 1:
            if (which < tickets.length) admission.silent(tickets[which]!);
            model.silent(which);
            break;
          case 2:
            if (which < tickets.length) admission.challenged(tickets[which]!);
            model.challenged(which);
            break;
          case 3:
            if (which < tickets.length) admission.release(tickets[which]!, now);
            model.release(which, now);
            break;
          default:
            now += BigInt(random.int(400)) * MS;
            admission.proceed(now);
            model.proceed(now);
        }
        expect(seen).toEqual(expected);
        expect(admission.pending).toBe(model.pending);
        expect(admission.difficulty).toBe(model.busy ? 16 : 8);
        expect(admission.pending).toBeLessThanOrEqual(limits.pending);
        // Whatever is due later is due at that time, and not before.
        const next = admission.nextTime();
        expect(next === null).toBe(admission.pending === 0);
      }
    }
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
