/** Values at the edges of the API: what programs hand over and get, where Node's own modules set the expectation. */
import type { lookup } from 'node:dns';
import { createContext, runInContext } from 'node:vm';
import { getSystemErrorName } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PoolError, POOL_ERROR_CODES } from '../../src/base/errors.js';
import { Agent, createConnection, serveHttp } from '../../src/http/index.js';
import { collectPoolMetrics } from '../../src/metrics/index.js';
import {
  Addr,
  dial,
  listen,
  requester,
  resolve,
  respond,
  retry,
  type Conn,
  type Listener,
} from '../../src/pool/index.js';
import { PoolDevice } from '../../src/pooldev/index.js';
import { createPoolNode } from '../../src/poolnode/index.js';
import { faultyProxy, pipe, testConn, virtualPair } from '../../src/testing/index.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const user = { backend: 'user' } as const;
let listener: Listener;
let conn: Conn;
let peer: Conn;

beforeEach(async () => {
  listener = await listen('127.0.0.1:0', user);
  [peer, conn] = await Promise.all([listener.accept(), dial(listener.addr, user)]);
});

afterEach(async () => {
  conn.destroy();
  peer.destroy();
  await listener.close();
});

const rejection = async (pending: Promise<unknown>): Promise<PoolError> => {
  const error: unknown = await pending.then(
    () => expect.unreachable('it fulfilled'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PoolError);
  return error as PoolError;
};

describe('bytes', () => {
  const abc = [0x61, 0x62, 0x63];
  const memory = Uint8Array.of(0, ...abc, 0).buffer;
  const foreign = runInContext('Uint8Array.of(0x61, 0x62, 0x63)', createContext({})) as Uint8Array;

  it.each([
    ['an ArrayBuffer', Uint8Array.from(abc).buffer],
    ['a SharedArrayBuffer', new Uint8Array(new SharedArrayBuffer(3)).map((_, i) => abc[i]!).buffer],
    ['a DataView of a part', new DataView(memory, 1, 3)],
    ['an Int8Array of a part', new Int8Array(memory, 1, 3)],
    ['a Uint8Array of another realm', foreign],
    ['an ArrayBuffer of another realm', foreign.buffer],
    ['a Buffer', Buffer.from(abc)],
    ['a string', 'abc'],
  ])('are taken from %s', async (_name, data) => {
    await conn.writeMessage(data);
    await conn.writeMessages([data]);
    await conn.write(data);
    for (let i = 0; i < 3; i++) expect([...(await peer.readMessage())!]).toEqual(abc);
  });

  it('are read into an ArrayBuffer and into a DataView', async () => {
    await conn.writeMessage('abc');
    const [buffer, part] = [new ArrayBuffer(2), new DataView(new ArrayBuffer(5), 3)];
    expect([await peer.read(buffer), await peer.read(part)]).toEqual([2, 1]);
    expect([...new Uint8Array(buffer), ...new Uint8Array(part.buffer)]).toEqual([0x61, 0x62, 0, 0, 0, 0x63, 0]);
  });

  it('are not lost by a read whose memory is detached meanwhile', async () => {
    const buffer = new ArrayBuffer(10);
    const reading = rejection(peer.read(buffer));
    structuredClone(buffer, { transfer: [buffer] });
    await conn.writeMessage('abc');
    await reading;
    expect(String(Buffer.from((await peer.readMessage())!))).toBe('abc');
  });

  it('are counted in numbers', async () => {
    await conn.writeMessage('abc');
    await peer.readMessage();
    expect([conn.bytesWritten, peer.bytesRead]).toEqual([3, 3]);
  });

  it.each([[[1, 2]], [new Float64Array(1)], [new Uint16Array(2)], [new Date(0)], [null], [7]])(
    'are not %s',
    async (data) => {
      expect(await rejection(conn.write(data as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    },
  );
});

describe('JSON', () => {
  it('of an Addr is what dial takes', async () => {
    const json = JSON.stringify(listener.addr);
    expect(JSON.parse(json)).toEqual({ network: 'pool', host: '127.0.0.1', port: listener.addr.port, family: 'IPv4' });
    const accepting = listener.accept();
    const again = await dial(JSON.parse(json) as { host: string; port: number }, user);
    again.destroy();
    (await accepting).destroy();
  });

  it('of info and telemetry has bigints as decimal strings', async () => {
    const info = JSON.parse(JSON.stringify(await conn.info())) as Record<string, unknown>;
    expect(info).toMatchObject({
      bytesSent: expect.stringMatching(/^\d+$/) as string,
      state: 'ESTABLISHED',
      peerAddr: conn.remoteAddr.toJSON(),
    });
    expect(info['telemetry']).toMatchObject({ rttNs: null, uptimeNs: expect.stringMatching(/^\d+$/) as string });
    expect(JSON.parse(JSON.stringify(await conn.telemetry()))).toMatchObject({ mtuCurrent: 1400, peer: null });
  });

  it('of a Conn, a Channel and a Listener tells what they are and not what is in them', async () => {
    const ends = { localAddr: conn.localAddr.toJSON(), remoteAddr: conn.remoteAddr.toJSON() };
    const counts = { state: 'open', bytesRead: 0, bytesWritten: 0 };
    const { id, sessionIndex } = conn;
    const whole = { id, backend: 'user', sessionIndex, ...ends, ...counts };
    expect(JSON.parse(JSON.stringify(conn))).toEqual(whole);
    const channel = await conn.openChannel(5);
    expect(JSON.parse(JSON.stringify(channel))).toEqual({ channel: 5, conn: id, ...ends, ...counts });
    expect(JSON.parse(JSON.stringify(listener))).toEqual({ addr: listener.addr.toJSON() });
  });

  it('of a PoolError has its message and its causes, and no stack', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', secret: 'x' });
    const errors = new AggregateError([new PoolError('EIO', 'one')], 'all');
    const error = new PoolError('ECONNREFUSED', 'dial', { errno: 111, port: 5, cause });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'PoolError',
      code: 'ECONNREFUSED',
      message: 'dial',
      errno: -111,
      port: 5,
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    });
    expect(JSON.parse(JSON.stringify(new PoolError('EIO', 'dial', { cause: errors })))).toMatchObject({
      cause: { name: 'AggregateError', errors: [{ name: 'PoolError', code: 'EIO', message: 'one' }] },
    });
  });
});

describe('a round trip that was not measured', () => {
  it('is null, and no number', async () => {
    const unknown = { rttNs: null, rttUs: null, jitterNs: null, jitterUs: null };
    expect(await conn.telemetry()).toMatchObject(unknown);
    expect((await conn.info()).telemetry).toMatchObject(unknown);
    const [a, b] = pipe();
    expect(await a.telemetry()).toMatchObject(unknown);
    a.destroy();
    b.destroy();
  });
});

describe('an option that is not there', () => {
  const at = '127.0.0.1:1';
  it.each<[string, RegExp, () => Promise<unknown>]>([
    ['dial', /"tiemout": did you mean timeout\?/, () => dial(at, { tiemout: 1 } as never)],
    ['dial', /"signa": did you mean signal\?/, () => dial(at, { signa: 1 } as never)],
    ['dial', /"colour": there are .*backend.*timeout/, () => dial(at, { colour: 1 } as never)],
    ['listen', /"backlogs": did you mean backlog\?/, () => listen(at, { backlogs: 1 } as never)],
    ['resolve', /"netwrok": did you mean network\?/, () => resolve(at, { netwrok: 1 } as never)],
    ['createConnection', /"bakcend": did you mean backend\?/, () => opened({ bakcend: 'user' })],
    ['accept', /"timeout"/, () => listener.accept({ timeout: 5 } as never)],
    ['Listener.close', /"force"/, () => listener.close({ force: true } as never)],
    ['serve', /"onerror": did you mean onError\?/, () => listener.serve(() => {}, { onerror: () => {} } as never)],
    ['read', /"singal": did you mean signal\?/, () => conn.read(new Uint8Array(1), { singal: 1 } as never)],
    ['readMessages', /"maxx": did you mean max\?/, () => conn.readMessages({ maxx: 1 } as never)],
    ['write', /"timeout"/, () => conn.write('x', { timeout: 1 } as never)],
    ['close', /"timeout"/, () => conn.close({ timeout: 1 } as never)],
    ['openChannel', /"max"/, () => conn.openChannel(1, { max: 1 } as never)],
    ['toDuplex', /"objectmode": did you mean objectMode\?/, async () => conn.toDuplex({ objectmode: 1 } as never)],
    ['info', /"singal": did you mean signal\?/, () => conn.info({ singal: 1 } as never)],
    ['retry', /"atempts": did you mean attempts\?/, () => retry(async () => {}, { atempts: 1 } as never)],
    ['request', /"timeuot": did you mean timeout\?/, () => asked({ timeuot: 1 })],
    ['respond', /"onerror": did you mean onError\?/, async () => respond(peer, () => {}, { onerror: 1 } as never)],
    ['serveHttp', /"onerror": did you mean onError\?/, () => serveHttp(listener, () => {}, { onerror: 1 } as never)],
    [
      'collectPoolMetrics',
      /"registry": did you mean register\?/,
      async () => collectPoolMetrics({ registry: 1 } as never),
    ],
    ['PoolDevice.serve', /"mod": did you mean mode\?/, () => PoolDevice.serve('/nowhere/pool', { mod: 1 } as never)],
    ['pipe', /"wireByts": did you mean wireBytes\?/, async () => pipe({ wireByts: 1 } as never)],
    ['virtualPair', /"chanels": did you mean channels\?/, () => virtualPair({ chanels: [1] } as never)],
    ['testConn', /"timeuot": did you mean timeout\?/, async () => testConn(() => never, { timeuot: 1 } as never)],
    ['faultyProxy', /"upstraem": did you mean upstream\?/, () => proxied({ upstraem: {} })],
    ['faultyProxy', /"latancy": did you mean latency\?/, () => proxied({ upstream: { latancy: 1 } })],
    ['Agent', /"backend": pass \{ dial: \{ backend \} \}/, async () => new Agent({ backend: 'user' } as never)],
    ['Agent', /"peers": pass \{ dial: \{ peers \} \}/, async () => new Agent({ peers: [] } as never)],
    ['Agent', /"psk": pass \{ dial: \{ psk \} \}/, async () => new Agent({ psk: new Uint8Array(32) } as never)],
    ['Agent', /"idleTimeuot": pass \{ dial: \{ idleTimeout/, async () => new Agent({ idleTimeuot: 1 } as never)],
  ])('is refused by %s', async (_name, message, call) => {
    const error = await rejection(call());
    expect(error.code).toBe('ERR_INVALID_ARG_VALUE');
    expect(error.message).toMatch(message);
    expect(conn.state).toBe('open');
  });

  it('counts for nothing where it is undefined, or on a prototype', async () => {
    const inherited = Object.create({ tiemout: 1 }) as object;
    expect(String(await resolve('127.0.0.1:5', { tiemout: undefined } as never))).toBe('127.0.0.1:5');
    expect(String(await resolve('127.0.0.1:5', inherited))).toBe('127.0.0.1:5');
  });

  it("is passed on by Agent where it is http's own", () => {
    const options = {
      keepAlive: false,
      maxSockets: 3,
      scheduling: 'fifo',
      timeout: 7,
      noDelay: true,
      host: 'x',
    } as const;
    const agent = new Agent(options);
    expect(agent.maxSockets).toBe(3);
    agent.destroy();
  });
});

describe('an address', () => {
  it('is never empty text, which an unset variable is; :9253 stays loopback', async () => {
    for (const call of [() => dial('', user), () => resolve('')]) {
      expect(await rejection(call())).toMatchObject({
        code: 'ERR_POOL_INVALID_ADDRESS',
        message: expect.stringContaining("':9253' is loopback") as string,
      });
    }
    expect(String(await resolve(':9253'))).toBe('127.0.0.1:9253');
  });

  it('has its port as text where net takes it so', async () => {
    const { port } = listener.addr;
    const accepting = listener.accept();
    const again = await dial({ host: '127.0.0.1', port: new URL(`http://h:${port}`).port }, user);
    again.destroy();
    (await accepting).destroy();
    for (const text of ['', ' ', '-1', '65536', '1e3', 'http']) {
      const { code } = await rejection(dial({ host: '127.0.0.1', port: text }, user));
      expect(code).toBe(text === '65536' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE');
    }
  });

  it("has a lookup of the program's own, whose throw is a rejection", async () => {
    const thrown = new RangeError('the cache is broken');
    const broken = (): never => {
      throw thrown;
    };
    const error = await rejection(dial('a.test:1', { ...user, lookup: broken }));
    expect(error).toMatchObject({ code: 'ENOTFOUND', cause: thrown });
    expect(error.message).toMatch(/^dial pool a\.test:1: the lookup failed: the cache is broken$/);
    // An async function that fails is no unhandled rejection, as it would be with net.
    const late = (async () => {
      await Promise.resolve();
      throw thrown;
    }) as never;
    for (const call of [
      () => dial('a.test:1', { ...user, lookup: late }),
      () => resolve('a.test:1', { lookup: late }),
    ]) {
      expect(await rejection(call())).toMatchObject({ code: 'ENOTFOUND', cause: thrown });
    }
    const node = createPoolNode();
    for (const lookup of [broken, late]) {
      expect(await rejection(node.dial({ host: 'a.test', port: 1, lookup }))).toMatchObject({ cause: thrown });
    }
    const odd = (...args: Parameters<typeof lookup>): void => void (args.at(-1) as (e: unknown) => void)('odd');
    expect((await rejection(resolve('a.test:1', { lookup: odd as never }))).message).toMatch(/the lookup failed: odd$/);
  });
});

describe('errors', () => {
  it("have the sign of Node's errno", async () => {
    const free = await listen('127.0.0.1:0', user);
    const { addr } = free;
    await free.close();
    const { code, errno } = await rejection(dial(addr, user));
    expect([code, getSystemErrorName(errno!)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });

  it('survive an Error.prepareStackTrace that makes objects', async () => {
    const before: unknown = Reflect.get(Error, 'prepareStackTrace');
    Error.prepareStackTrace = (_error, sites) => sites;
    try {
      expect((await rejection(dial('', user))).code).toBe('ERR_POOL_INVALID_ADDRESS');
      expect((await rejection(conn.write(5 as never))).code).toBe('ERR_INVALID_ARG_TYPE');
      conn.destroy();
      expect((await rejection(conn.readMessage())).code).toBe('ERR_POOL_CLOSED');
    } finally {
      Reflect.set(Error, 'prepareStackTrace', before);
    }
  });

  it('have codes that are all in the list, the errno names apart', () => {
    const src = join(import.meta.dirname, '..', '..', 'src');
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const thrown = files.flatMap((name) => {
      const text = readFileSync(join(src, name), 'utf8');
      // One that an error of Node's is compared with is Node's.
      return [...text.matchAll(/(?<!=== )'(ABORT_ERR|ERR_[A-Z_]+)'/g)].map((match) => match[1]!);
    });
    expect(thrown.length).toBeGreaterThan(100);
    expect([...new Set(thrown)].filter((code) => !POOL_ERROR_CODES.includes(code as never))).toEqual([]);
  });
});

describe('setTimeout of a stream', () => {
  it.each([
    ['5', undefined, 'ERR_INVALID_ARG_TYPE'],
    [-1, undefined, 'ERR_OUT_OF_RANGE'],
    [NaN, undefined, 'ERR_OUT_OF_RANGE'],
    [Infinity, undefined, 'ERR_OUT_OF_RANGE'],
    [5, 'callback', 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s, %s, as net does', (timeout, callback, code) => {
    const duplex = conn.toDuplex();
    const socket = createConnection(Addr.parse('127.0.0.1:1'), user).on('error', () => {});
    for (const stream of [duplex, socket]) {
      expect(() => stream.setTimeout(timeout as number, callback as never)).toThrow(expect.objectContaining({ code }));
      expect(stream.timeout).toBe(0);
    }
    socket.destroy();
  });
});

const never = new Promise<never>(() => {});

const proxied = (options: object): Promise<unknown> => faultyProxy({ target: listener.addr, ...options });

async function asked(options: object): Promise<void> {
  const channel = await conn.openChannel(9);
  await requester(channel).request('x', options);
}

/** The rejection of a stream that dials. */
function opened(options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    createConnection('127.0.0.1:1', options).on('connect', resolve).on('error', reject);
  });
}
