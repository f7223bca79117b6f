import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/address/addr.js';
import type { BackendSession } from '../../../src/pool/backend.js';
import { PoolError } from '../../../src/base/errors.js';
import { bench, dialled, listening, PEER, send, type Bench } from './harness.js';
import { settle } from './manual-clock.js';
import { errno } from './scripted-device.js';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => expect(b.device.faults).toEqual([]));

describe('accepting', () => {
  it.each([
    ['the module', true, 50],
    ['a device that tells of changes', false, 5],
  ])('sees a session of %s soon, however long nothing happened', async (_name, module, bound) => {
    b = bench({ module });
    const { accepted } = await listening(b);
    for (let one = 1; one <= 3; one += 1) {
      await b.clock.advance(60_000);
      b.device.peerDials();
      await b.clock.advance(bound);
      expect(accepted).toHaveLength(one);
    }
  });

  it.each([
    ['the module', true],
    ['a device that tells of changes', false],
  ])('does nothing on this thread while nothing changes on %s', async (_name, module) => {
    b = bench({ module });
    await listening(b);
    await b.clock.advance(10_000);
    const before = [b.device.calls.length, b.device.watches];
    await b.clock.advance(60_000);
    expect([b.device.calls.length, b.device.watches]).toEqual(before);
  });

  it('looks once a second while it has sessions of which nothing is heard', async () => {
    await listening(b);
    for (let n = 0; n < 10; n += 1) b.device.peerDials();
    await b.clock.advance(10_000);
    const before = b.device.count('SESSIONS');
    await b.clock.advance(10_000);
    expect(b.device.count('SESSIONS') - before).toBeLessThanOrEqual(11);
  });

  it('delivers, and shows the peer’s true address', async () => {
    const { accepted, listener } = await listening(b);
    const model = b.device.peerDials({ from: '192.0.2.7:51234' });
    await b.clock.advance(50);
    const [{ session, seen } = { session: null, seen: null }] = accepted;
    b.device.peerSends(model, 5, 'hello');
    await settle();
    expect(seen?.messages).toEqual(['0:hello']);
    expect(session?.remoteAddr.toString()).toBe('192.0.2.7:51234');
    expect(session?.localAddr.toString()).toBe('10.0.0.2:9253');
    expect(listener.addr).toEqual(new Addr('::', 9253));
  });

  it('tells its own dials from what it accepts, both ends on this machine', async () => {
    const { accepted } = await listening(b);
    const { session } = await dialled(b);
    b.device.peerDials({ id: session.id });
    await b.clock.advance(100);
    expect(accepted.map(({ session: one }) => one.index)).toEqual([1]);
    expect(accepted[0]?.session.id).toBe(session.id);
  });

  it('leaves alone what another process dialled', async () => {
    const { accepted } = await listening(b);
    b.device.otherDials();
    const late = b.device.otherDials();
    for (let i = 0; i < 3; i += 1) b.device.heartbeat(late);
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
  });

  describe('with a session that it dialled and whose peer has closed still in the table', () => {
    // Somebody's handshake is under way: a connection to the listening port that no session owns.
    const scene = async () => {
      b.device.greeted = true;
      const { accepted, dropped } = await listening(b);
      const { seen } = await dialled(b);
      b.device.peerCloses(b.device.session(0)!);
      await b.clock.advance(6000);
      expect(seen.ended).toBe('remote');
      const client = b.device.peerDials({ finished: false });
      return { accepted, dropped, client };
    };

    it('does not take what another program dials to the same peer', async () => {
      const { accepted, client } = await scene();
      b.device.otherDials(PEER.toString());
      await b.clock.advance(1000);
      expect(accepted).toEqual([]);
      b.device.finishHandshake(client);
      await b.clock.advance(1000);
      expect(accepted.map(({ session }) => session.index)).toEqual([client.index]);
    });

    it('does not take its own next dial, in the moment between CONNECT and its entry', async () => {
      const { accepted } = await scene();
      const { session } = await dialled(b);
      expect(accepted).toEqual([]);
      expect(send(session, 'mine').result).toBeNull();
      await settle();
      expect(b.device.session(session.index)?.sent).toHaveLength(1);
    });

    it('tells of a session that nothing decides', async () => {
      const { accepted, dropped } = await scene();
      b.device.otherDials(PEER.toString());
      await b.clock.advance(31_000);
      expect([accepted, dropped]).toEqual([[], ['[::]:0 undecided']]);
    });
  });

  it('tells of a session that ended before it could be accepted, and of nothing that was dead before', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    b.device.connectionDies(b.device.peerDials());
    const { accepted, dropped } = await listening(b);
    await b.clock.advance(5000);
    expect(dropped).toEqual([]);
    b.device.connectionDies(b.device.peerDials());
    await b.clock.advance(5000);
    expect([accepted, dropped]).toEqual([[], ['[::]:0 gone']]);
  });

  it('knows a session that died of a failed dial while it waited for accept', async () => {
    const waiting: BackendSession[] = [];
    await listening(b, { session: (session) => void waiting.push(session) });
    const models = [b.device.peerDials(), b.device.peerDials(), b.device.peerDials()];
    await b.clock.advance(50);
    expect(waiting.map((session) => session.stillborn?.())).toEqual([false, false, false]);
    b.device.connectionDies(models[0]!);
    b.device.heartbeat(models[1]!);
    await b.clock.advance(50);
    b.device.connectionDies(models[1]!);
    // At once, though no look at the table has seen it yet.
    expect(waiting.map((session) => session.stillborn?.())).toEqual([true, false, false]);
    await b.clock.advance(5000);
    expect(waiting.map((session) => session.stillborn?.())).toEqual([true, false, false]);
  });

  it('judges nothing while /proc can’t be read, and takes what has come as soon as it can', async () => {
    const { accepted, dropped, failures } = await listening(b);
    b.device.procFails = true;
    b.device.peerDials();
    await b.clock.advance(5000);
    expect([accepted, dropped, failures]).toEqual([[], [], []]);
    b.device.procFails = false;
    await b.clock.advance(150);
    expect([accepted.length, dropped]).toEqual([1, []]);
  });

  it('gives the port back where it can’t look at what there is when listening begins', async () => {
    const listen = b.device.listen.bind(b.device);
    b.device.listen = async (port) => {
      await listen(port);
      b.device.procFails = true;
    };
    await expect(listening(b)).rejects.toMatchObject({ code: 'EMFILE' });
    expect([b.device.count('STOP'), b.device.listening]).toEqual([1, false]);
  });

  it('is not misled by what a reused slot once dialled', async () => {
    const { accepted } = await listening(b);
    const { session } = await dialled(b);
    await session.close({ timeout: 1000 });
    const model = b.device.peerDials({ from: '192.0.2.7:51234' });
    b.device.heartbeat(model);
    await b.clock.advance(100);
    expect(accepted[0]?.session.remoteAddr.toString()).toBe('192.0.2.7:51234');
  });

  it('leaves alone what nothing decides', async () => {
    b.device.tcpVisible = false;
    const { accepted } = await listening(b);
    const model = b.device.peerDials();
    b.device.heartbeat(model);
    await b.clock.advance(120_000);
    expect(accepted).toEqual([]);
  });

  it('leaves sessions from before alone, also those of a listener of its own', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    b.device.peerDials();
    const { accepted, listener } = await listening(b);
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
    b.device.peerDials({ from: '192.0.2.7:51234' });
    await b.clock.advance(100);
    expect(accepted[0]?.session.remoteAddr.toString()).toBe('192.0.2.7:51234');
    await listener.close();
    const second = await listening(b);
    await b.clock.advance(1000);
    expect(second.accepted).toEqual([]);
  });

  it('leaves a session from before alone also when it ends a rekey, and takes one that was in its handshake', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    const rekeying = b.device.peerDials();
    rekeying.state = 4;
    const unfinished = b.device.peerDials({ finished: false });
    const { accepted } = await listening(b);
    rekeying.state = 3;
    b.device.finishHandshake(unfinished);
    await b.clock.advance(1000);
    expect(accepted.map(({ session }) => session.index)).toEqual([unfinished.index]);
  });

  it('takes a session as soon as something decides it', async () => {
    const { accepted } = await listening(b);
    b.device.tcpVisible = false;
    const model = b.device.peerDials();
    b.device.heartbeat(model);
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
    b.device.tcpVisible = true;
    await b.clock.advance(1000);
    expect(accepted).toHaveLength(1);
  });

  it('takes a session whose handshake lasts longer than handshakes do', async () => {
    const { accepted } = await listening(b);
    const model = b.device.peerDials({ finished: false });
    await b.clock.advance(20_000);
    expect(accepted).toEqual([]);
    b.device.finishHandshake(model);
    await b.clock.advance(1500);
    expect(accepted).toHaveLength(1);
  });

  it('does not take a session whose thread ends while the connections are read', async () => {
    const { accepted } = await listening(b);
    const model = b.device.peerDials();
    b.device.onTcpRead = () => (model.thread = null);
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
  });

  it('knows a peer again that comes from the same port', async () => {
    const { accepted } = await listening(b);
    for (let i = 0; i < 3; i += 1) {
      b.device.peerDials({ from: '192.0.2.7:5000' });
      await b.clock.advance(50);
      await accepted[i]?.session.close({ timeout: 1000 });
      await b.clock.advance(1000);
    }
    const shown = accepted.map(({ session }) => session.remoteAddr.toString());
    expect(shown).toEqual(Array(3).fill('192.0.2.7:5000'));
  });

  it('accepts each session of a slot that is used again and again', async () => {
    const { accepted } = await listening(b);
    for (let i = 0; i < 10; i += 1) {
      b.device.peerDials();
      await b.clock.advance(50);
      await accepted[i]?.session.close({ timeout: 1000 });
    }
    expect(accepted.map(({ session }) => session.index)).toEqual(Array(10).fill(0));
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('says no more of the peer than it knows', async () => {
    const { accepted } = await listening(b);
    b.device.peerDials({ from: '192.0.2.7:1000' });
    b.device.peerDials({ from: '192.0.2.7:2000' });
    await b.clock.advance(50);
    expect(accepted.map(({ session }) => session.remoteAddr.toString())).toEqual(['192.0.2.7:0', '192.0.2.7:0']);
    b.device.peerDials({ from: '192.0.2.9:3000' });
    b.device.peerDials({ from: '192.0.2.7:4000' });
    await b.clock.advance(50);
    const shown = accepted.slice(2).map(({ session }) => session.remoteAddr.toString());
    expect(shown).toEqual(['[::]:0', '[::]:0']);
  });

  it('takes no connection that was there before a session for its own', async () => {
    const { accepted } = await listening(b);
    b.device.peerDials({ from: '192.0.2.7:1000' });
    b.device.peerDials({ from: '192.0.2.7:2000' });
    await b.clock.advance(50);
    b.device.peerDials({ from: '192.0.2.9:3000' });
    await b.clock.advance(50);
    expect(accepted[2]?.session.remoteAddr.toString()).toBe('192.0.2.9:3000');
  });

  it('refuses whom admit refuses, and closes its session', async () => {
    const asked: string[] = [];
    const { accepted, dropped } = await listening(b, {
      admit: (remote) => {
        asked.push(remote.toString());
        return 'blocked';
      },
    });
    b.device.peerDials({ from: '192.0.2.7:1000' });
    await b.clock.advance(50);
    expect(accepted).toEqual([]);
    expect(asked).toEqual(['192.0.2.7:1000']);
    expect(dropped).toEqual(['192.0.2.7:1000 blocked']);
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('fails closed where the peer may be one who is refused', async () => {
    const { accepted, dropped } = await listening(b, {
      admit: (remote) => (remote.address === '192.0.2.66' ? 'blocked' : null),
    });
    b.device.strayRows.push({ local: '10.0.0.2:9253', remote: '192.0.2.66:1000' });
    b.device.peerDials({ from: '192.0.2.7:1000' });
    await b.clock.advance(50);
    expect(accepted).toEqual([]);
    expect(dropped).toEqual(['[::]:0 blocked']);
  });

  it('takes one family only where that is asked for', async () => {
    const { accepted, dropped } = await listening(b, { ipv6Only: true });
    b.device.peerDials({ from: '192.0.2.7:1000' });
    await b.clock.advance(50);
    expect(accepted).toEqual([]);
    expect(dropped).toEqual(['192.0.2.7:1000 blocked']);
  });
});

describe('the listener', () => {
  it('holds the lock of its device from before LISTEN until it is closed', async () => {
    const steps: string[] = [];
    const lock = async (identity: string) => {
      steps.push(`lock ${identity} after ${b.device.count('LISTEN')} LISTEN`);
      return { release: async () => void steps.push(`release after ${b.device.count('STOP')} STOP`) };
    };
    b = bench({ lock });
    const { listener } = await listening(b);
    expect(steps).toEqual(['lock test after 0 LISTEN']);
    await listener.close();
    expect(steps.splice(0)).toEqual(['lock test after 0 LISTEN', 'release after 1 STOP']);
    b.device.taken.add(9253);
    await expect(listening(b)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(steps).toEqual(['lock test after 1 LISTEN', 'release after 1 STOP']);
  });

  it('makes no LISTEN while another process has the lock', async () => {
    b = bench({ lock: () => Promise.reject(errno('EADDRINUSE')) });
    await expect(listening(b)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(b.device.count('LISTEN')).toBe(0);
  });

  it('refuses a host of its own', async () => {
    await expect(listening(b, { host: '127.0.0.1' })).rejects.toThrow(
      /listens on all addresses .* can't be bound to 127/,
    );
    expect(b.device.calls).toEqual([]);
  });

  it.each(['', '*', '::', '0.0.0.0'])('takes %j for all addresses', async (host) => {
    const { listener } = await listening(b, { host });
    expect(listener.addr.port).toBe(9253);
  });

  it('finds a free port for port 0, and another when that one is taken', async () => {
    const ports = [40_001, 40_002];
    b = bench({ findPort: async () => ports.shift()! });
    b.device.taken.add(40_001);
    const { listener } = await listening(b, { port: 0 });
    expect(listener.addr.port).toBe(40_002);
  });

  it('stops what it started, and closes what came in meanwhile', async () => {
    const { listener, accepted } = await listening(b);
    b.device.peerDials();
    await listener.close();
    await settle();
    expect(b.device.count('STOP')).toBe(1);
    expect(accepted).toEqual([]);
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('leaves accepted sessions alone when it closes', async () => {
    const { listener, accepted } = await listening(b);
    b.device.peerDials();
    await b.clock.advance(50);
    await listener.close();
    await b.clock.advance(1000);
    expect(accepted[0]?.seen.ends).toEqual([]);
  });

  it('stops its port when the process ends', async () => {
    await listening(b);
    b.device.exit();
    expect(b.device.count('STOP')).toBe(1);
  });

  it.each([
    ['the module', true, /another program stopped the module's listener/],
    ['a served device', false, /another program stopped the device's listener/],
  ])('ends with an error when another program stops %s', async (_name, module, message) => {
    b = bench({ module });
    const { failures, accepted } = await listening(b);
    b.device.peerDials();
    await b.clock.advance(10_000);
    expect(failures).toEqual([]);
    b.device.otherStops();
    await b.clock.advance(3000);
    expect(failures.map(({ code, syscall, port }) => [code, syscall, port])).toEqual([
      ['ECONNABORTED', 'listen', 9253],
    ]);
    expect(failures[0]?.message).toMatch(message);
    // It stops nothing that is somebody else's by now, its sessions go on, and listening again is possible.
    expect(b.device.count('STOP')).toBe(0);
    expect(accepted[0]?.seen.ends).toEqual([]);
    const again = await listening(b);
    b.device.peerDials();
    await b.clock.advance(1000);
    expect([accepted.length, again.accepted.length, again.failures.length]).toEqual([1, 1, 0]);
    await again.listener.close();
    await b.clock.advance(5000);
    expect(again.failures).toEqual([]);
  });

  it('names the port that another program opened instead', async () => {
    const { failures } = await listening(b);
    b.device.otherStops();
    await b.device.listen(9000);
    await b.clock.advance(3000);
    expect(failures[0]?.message).toMatch(/listens on port 9000 now/);
  });

  it('goes on where a STOP can’t be seen: no /proc/pool, or sockets of another network namespace', async () => {
    const [onModule, served] = [bench(), bench({ module: false, tcpVisible: false, tells: false })];
    const both = [await listening(onModule), await listening(served)];
    onModule.device.statusVisible = false;
    for (const { device, clock } of [onModule, served]) {
      device.otherStops();
      await clock.advance(10_000);
    }
    expect(both.map(({ failures }) => failures)).toEqual([[], []]);
  });

  it('ends when another program stops a served device in another network namespace, which tells', async () => {
    b = bench({ module: false, tcpVisible: false });
    const { failures } = await listening(b);
    await b.clock.advance(5000);
    expect(failures).toEqual([]);
    b.device.otherStops();
    await b.clock.advance(3000);
    expect(failures.map(({ code }) => code)).toEqual(['ECONNABORTED']);
  });

  it('does not take one read of /proc/net that misses the port for a STOP', async () => {
    b = bench({ module: false });
    const { failures } = await listening(b);
    for (let i = 0; i < 5; i += 1) {
      b.device.tcpVisible = false;
      await b.clock.advance(1000);
      b.device.tcpVisible = true;
      await b.clock.advance(1000);
    }
    expect(failures).toEqual([]);
  });

  it('tells when the device goes away, and so do sessions and dials', async () => {
    const { failures, accepted } = await listening(b);
    b.device.peerDials();
    await b.clock.advance(50);
    b.device.gone = 'ENOTCONN';
    await b.clock.advance(100);
    await settle();
    expect(failures.map(({ code }) => code)).toEqual(['ENODEV']);
    expect(failures[0]?.message).toMatch(/\/dev\/pool is gone/);
    expect(accepted[0]?.seen.ended).toBe('ENODEV');
    await expect(b.backend.dial(PEER, {})).rejects.toMatchObject({ code: 'ENODEV' });
    expect(b.clock.pending).toBeLessThanOrEqual(3);
  });
});

it('says of a file that is no POOL device just that, and not that it has gone', async () => {
  b.device.gone = 'ENOTTY';
  const asked = await listening(b).then(
    () => null,
    (error: unknown) => error,
  );
  expect(asked).toMatchObject({ code: 'ENOTTY', message: expect.not.stringContaining('gone') as string });
});

describe('a device served from user space', () => {
  beforeEach(() => {
    b = bench({ module: false });
  });

  it('shows port 0 for accepted sessions, which decides', async () => {
    b.device.tcpVisible = false;
    const { accepted } = await listening(b);
    b.device.otherDials();
    const model = b.device.peerDials();
    for (let i = 0; i < 5; i += 1) b.device.heartbeat(model);
    await b.clock.advance(100);
    expect(accepted.map(({ session }) => session.index)).toEqual([1]);
  });

  it('tells the ends of a session by itself: the connections of /proc/net are not read, which takes ms', async () => {
    const { accepted } = await listening(b);
    await b.clock.advance(100);
    let reads = 0;
    b.device.tcpVisible = false;
    b.device.onTcpRead = () => void (reads += 1);
    b.device.peerDials({ from: '192.0.2.7:51234' });
    await b.clock.advance(5);
    const ends = accepted.map(({ session }) => [session.localAddr.toString(), session.remoteAddr.toString()]);
    expect(ends).toEqual([['10.0.0.2:9253', '192.0.2.7:51234']]);
    expect(reads).toBe(0);
  });

  it('closes what comes while its ends are asked for and the listener closes', async () => {
    const { listener, accepted } = await listening(b);
    await b.clock.advance(100);
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    const tell = b.device.sessionEnds.bind(b.device);
    b.device.sessionEnds = async (index) => held.then(() => tell(index));
    b.device.peerDials();
    await b.clock.advance(5);
    expect(accepted).toEqual([]);
    const closed = listener.close();
    await b.clock.advance(100);
    answer();
    await b.clock.advance(100);
    await closed;
    expect(accepted).toEqual([]);
    expect(b.device.count('CLOSE_SESS')).toBe(1);
  });

  it('asks it to LISTEN without /proc/pool, and closes without threads', async () => {
    const { listener, accepted } = await listening(b);
    b.device.peerDials();
    await b.clock.advance(50);
    await accepted[0]?.session.close({ timeout: 1000 });
    await listener.close();
    expect(b.device.count('LISTEN')).toBe(1);
    expect(b.device.count('CLOSE_SESS')).toBe(1);
    expect(b.device.count('STOP')).toBe(1);
    expect(b.warnings).toEqual([]);
  });

  it('shares a port that was open, and does not stop it', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    const { listener } = await listening(b);
    await listener.close();
    expect(b.device.count('STOP')).toBe(0);
    await expect(listening(b, { port: 9000 })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('a thread that can’t be started for the device', () => {
  const noThread = (): PoolError => new PoolError('EIO', 'a worker thread failed', { syscall: 'worker' });

  it('does not take the device for lost, while that passes', async () => {
    const { session, seen } = await dialled(b);
    const sessions = b.device.sessions.bind(b.device);
    let fails = 3;
    b.device.sessions = () => ((fails -= 1) < 0 ? sessions() : Promise.reject(noThread()));
    await b.clock.advance(10_000);
    expect([fails < 0, seen.ends]).toEqual([true, []]);
    await session.close({ timeout: 1000 });
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('does where it does not pass', async () => {
    const { seen } = await dialled(b);
    b.device.sessions = () => Promise.reject(noThread());
    await b.clock.advance(10_000);
    expect(seen.ended).toBe('EIO');
  });

  it('leaves no listener without its watch of the table', async () => {
    const change = b.device.tableChange.bind(b.device);
    b.device.tableChange = () => Promise.reject(noThread());
    const { accepted } = await listening(b);
    await b.clock.advance(100);
    b.device.tableChange = change;
    await b.clock.advance(10_000);
    b.device.peerDials();
    await b.clock.advance(50);
    expect(accepted).toHaveLength(1);
  });
});
