/** How sessions, listeners and the process end on the module's device. */
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/address/addr.js';
import { bench, type Bench, dialled, listening, PEER, send } from './harness.js';
import { settle } from './manual-clock.js';

let b: Bench;
beforeEach(() => {
  b = bench();
});

describe('the end of a connection', () => {
  it('is the clean end that it was, though an older look at the table meets a newer one at the threads', async () => {
    const { seen } = await dialled(b);
    const model = b.device.session(0)!;
    // The table was read before the peer closed, the thread is looked for after it.
    b.device.onSessions = () => b.device.peerCloses(model);
    await b.clock.advance(1000);
    await b.clock.advance(100);
    expect(seen.ended).toBe('remote');
  });

  it.each(['EPIPE', 'ECONNRESET', 'ENOTCONN'])(
    'is clean where a SEND says %s before the CLOSE was read',
    async (code) => {
      const { session, seen } = await dialled(b);
      const model = b.device.session(0)!;
      model.sendErrors.push(code);
      send(session, 'to a peer that has closed');
      await settle();
      // The receiver thread has its turn only now.
      b.device.peerCloses(model);
      await b.clock.advance(500);
      expect(seen.ended).toBe('remote');
    },
  );

  it('is a loss where the connection died', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.sendErrors.push('EPIPE');
    send(session, 'to nobody');
    await settle();
    b.device.connectionDies(model);
    await b.clock.advance(500);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });
});

describe('close', () => {
  it('has a thread ready before anything is closed', async () => {
    await dialled(b);
    expect(b.device.closersReady).toBe(true);
  });

  it('counts the time from CLOSE_SESS on, not from when it was asked for', async () => {
    const { session } = await dialled(b);
    let begin = (): void => {};
    b.device.beforeClose = () => new Promise((resolve) => (begin = resolve));
    const closing = session.close({ timeout: 100 });
    // A thread that is slow to start, or other programs' closings.
    await b.clock.advance(5000);
    begin();
    await closing;
    expect(b.device.faults).toEqual([]);
  });

  it('says what hangs, and leaves the slot to the end of the process until it is free', async () => {
    const { session } = await dialled(b);
    b.device.closeHangs = true;
    const closing = session.close({ timeout: 2000 }).catch((error: unknown) => error);
    await b.clock.advance(2000);
    expect(await closing).toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      message: expect.stringContaining('CLOSE_SESS did not return within 2000 ms') as string,
    });
    expect(b.warnings).toEqual([expect.stringContaining('slot 0 of the 64 of /dev/pool stays taken for now')]);
  });

  it('tries a slot again whose turn did not come', async () => {
    const { session } = await dialled(b);
    b.device.othersClose = true;
    await expect(session.close({ timeout: 100 })).rejects.toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      message: expect.stringContaining('other programs close sessions') as string,
    });
    expect(b.device.sessionsInUse).toBe(1);
    b.device.othersClose = false;
    await b.clock.advance(1000);
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('gives a slot whose turn did not come to the end of the process', async () => {
    const { session } = await dialled(b);
    b.device.othersClose = true;
    await session.close({ timeout: 100 }).catch(() => {});
    b.device.exit();
    expect([b.device.sessionsInUse, b.device.faults]).toEqual([0, []]);
  });

  it('tries a slot again whose receiver thread could not be looked for', async () => {
    const { session } = await dialled(b);
    b.device.procFails = true;
    await expect(session.close({ timeout: 100 })).rejects.toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      message: expect.stringContaining('slot 0 stays taken for now') as string,
    });
    expect([b.device.count('CLOSE_SESS'), b.warnings]).toEqual([0, [expect.stringContaining('want of descriptors')]]);
    b.device.procFails = false;
    await b.clock.advance(1000);
    expect([b.device.sessionsInUse, b.device.faults]).toEqual([0, []]);
  });

  it('leaves the other end of a session alone that was closed here', async () => {
    const { accepted } = await listening(b);
    const { session } = await dialled(b);
    const model = b.device.session(0)!;
    b.device.peerDials({ id: model.id });
    await b.clock.advance(300);
    await Promise.all([session.close({ timeout: 1000 }), accepted[0]!.session.close({ timeout: 1000 })]);
    expect(b.device.count('CLOSE_SESS')).toBe(1);
    expect(b.device.faults).toEqual([]);
  });
});

describe('the end of the process', () => {
  it('tells of each slot that it leaves taken, and why', async () => {
    await listening(b);
    await dialled(b);
    await dialled(b);
    b.device.peerDials({ id: b.device.session(0)!.id });
    await b.clock.advance(300);
    b.device.exitLeaves.add(1);
    b.device.exit();
    expect(b.warnings).toEqual([
      expect.stringMatching(/^slot 1 .*could not be closed in the time/),
      expect.stringMatching(/^slot 2 .*its receiver thread has ended/),
    ]);
    expect(b.device.faults).toEqual([]);
  });
});

describe('a session whose dial was given up when it came', () => {
  const givenUp = async (): Promise<void> => {
    b.device.othersClose = true;
    const abort = new AbortController();
    const connect = b.device.connect.bind(b.device);
    b.device.connect = async (...how) => {
      const index = await connect(...how);
      abort.abort(new Error('enough'));
      return index;
    };
    await expect(b.backend.dial(PEER, { signal: abort.signal })).rejects.toThrow('enough');
    await settle();
    expect(b.device.sessionsInUse).toBe(1);
  };

  it('is closed again where its turn did not come', async () => {
    await givenUp();
    b.device.othersClose = false;
    await b.clock.advance(1000);
    expect([b.device.sessionsInUse, b.device.faults]).toEqual([0, []]);
  });

  it('is closed at the end of the process', async () => {
    await givenUp();
    b.device.exit();
    expect([b.device.sessionsInUse, b.device.faults]).toEqual([0, []]);
  });
});

describe('a session that was dialled just when the process ends', () => {
  const dialAndExit = async (): Promise<void> => {
    let exited = false;
    b.device.onSessions = () => {
      if (b.device.sessionsInUse === 0 || exited) return;
      exited = true;
      // Before SESSIONS has its result.
      queueMicrotask(() => b.device.exit());
    };
    await b.backend.dial(PEER, {}).catch(() => {});
    expect(exited).toBe(true);
  };

  it('is closed, though its id was not known before', async () => {
    await dialAndExit();
    expect([b.device.sessionsInUse, b.device.faults, b.warnings]).toEqual([0, [], []]);
  });

  it('is closed, though the event loop was not told of it', async () => {
    b.device.connects.push('untold');
    void b.backend.dial(PEER, {}).catch(() => {});
    await turn();
    expect(b.device.sessionsInUse).toBe(1);
    b.device.exit();
    expect([b.device.sessionsInUse, b.device.faults, b.warnings]).toEqual([0, [], []]);
  });

  it('is told where it can’t be closed', async () => {
    b.device.exitTableHangs = true;
    await dialAndExit();
    expect(b.warnings).toEqual([expect.stringMatching(/^slot 0 .*could not be closed in the time/)]);
  });
});

it('tells at the end of the process what it can’t look for any more', async () => {
  await listening(b);
  await dialled(b);
  b.device.procFails = true;
  b.device.exit();
  expect(b.warnings).toEqual([expect.stringMatching(/^slot 0 .*could not be closed in the time/)]);
  expect([b.device.count('CLOSE_SESS'), b.device.count('STOP')]).toEqual([0, 1]);
});

describe('the end of the process, where the table does not answer', () => {
  it('tells of the sessions that it leaves, and stops listening', async () => {
    await listening(b);
    await dialled(b);
    await dialled(b);
    b.device.exitTableHangs = true;
    b.device.exit();
    expect(b.warnings).toEqual([expect.stringMatching(/^each of the slots 0, 1 .*could not be closed in the time/)]);
    expect([b.device.count('CLOSE_SESS'), b.device.count('STOP')]).toEqual([0, 1]);
  });
});

describe('closing a listener', () => {
  it('takes no longer than its bound where STOP does not return, and keeps its lock until it does', async () => {
    let locked = true;
    b = bench({ lock: async () => ({ release: async () => void (locked = false) }) });
    const { listener } = await listening(b);
    let stop = (): void => {};
    b.device.stopReturns = new Promise((resolve) => (stop = resolve));
    const closing = listener.close();
    await b.clock.advance(2000);
    await closing;
    expect(locked).toBe(true);
    // A second STOP beside the first would end the module's thread twice.
    b.device.exit();
    expect(b.device.count('STOP')).toBe(0);
    stop();
    await turn();
    expect([locked, b.device.count('STOP')]).toEqual([false, 1]);
  });
});

describe('a full table', () => {
  it('is told at once, also while another dial waits for its host', async () => {
    for (let slot = 0; slot < 64; slot += 1) b.device.otherDials();
    b.device.connects.push('silent');
    const [first] = [...Array(64).keys()].map((slot) => b.device.session(slot)!);
    b.device.otherCloses(first!);
    const waiting = b.backend.dial(PEER, {}).catch((error: unknown) => error);
    await settle();
    b.device.otherDials();
    await expect(b.backend.dial(PEER, {})).rejects.toMatchObject({ code: 'ERR_POOL_SESSION_FULL' });
    expect(b.device.count('CONNECT')).toBe(1);
    await b.clock.advance(10_000);
    expect(await waiting).toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
  });

  it('is one with a single slot for a session to the machine itself', async () => {
    b = bench({ isLocal: () => true });
    await listening(b);
    for (let slot = 0; slot < 63; slot += 1) b.device.otherDials();
    await expect(b.backend.dial(PEER, {})).rejects.toMatchObject({ code: 'ERR_POOL_SESSION_FULL' });
    expect(b.device.count('CONNECT')).toBe(0);
    const elsewhere = await b.backend.dial(new Addr('10.0.0.1', 9000), {});
    expect(elsewhere.index).toBe(63);
  });
});
