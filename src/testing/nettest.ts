/**
 * The eleven behaviours that Go's golang.org/x/net/nettest expects of every net.Conn, told in promises. Their names are
 * nettest's; the deadlines in the past, present and future are, too.
 */
import assert from 'node:assert/strict';
import { PoolError } from '../base/errors.js';
import type { Flow } from '../pool/flow/flow.js';
import {
  AN_HOUR_MS,
  type Check,
  delay,
  discard,
  echo,
  LONG_AGO,
  pattern,
  readBytes,
  rejects,
  timesOut,
  meanwhile,
} from './contract-case.js';

const CHUNK = 1024;

export const nettest: Readonly<Record<string, Check>> = {
  'nettest BasicIO': async ({ c1, c2 }) => {
    const want = pattern(1 << 20);
    const [got] = await Promise.all([readBytes(c2, want.length), writeInParts(c1, want)]);
    assert.ok(Buffer.from(got).equals(want), 'the bytes differ');
    const ended = meanwhile(c2.read(new Uint8Array(CHUNK)));
    await c1.close();
    assert.equal(await ended, null);
  },

  'nettest PingPong': async ({ c1, c2 }) => {
    const rounds = 200;
    const player = async (flow: Flow, serves: boolean): Promise<void> => {
      const ball = new DataView(new ArrayBuffer(8));
      const bytes = new Uint8Array(ball.buffer);
      if (serves) await flow.write(bytes.slice());
      for (let round = 0; round < rounds; round++) {
        assert.equal(await flow.read(bytes), 8);
        assert.equal(ball.getBigUint64(0), BigInt(serves ? 2 * round + 1 : 2 * round));
        ball.setBigUint64(0, ball.getBigUint64(0) + 1n);
        if (!serves || round < rounds - 1) await flow.write(bytes.slice());
      }
    };
    await Promise.all([player(c1, true), player(c2, false)]);
  },

  // A buffer is the caller's again as soon as the read has failed.
  'nettest RacyRead': async ({ c1, c2 }) => {
    const writing = meanwhile(writeForever(c2));
    c1.setReadDeadline(Date.now() + 1);
    const reader = async (): Promise<void> => {
      const buffer = new Uint8Array(CHUNK);
      const own = new Uint8Array(CHUNK);
      for (let i = 0; i < 10; i++) {
        try {
          await c1.read(buffer);
        } catch (error) {
          assertTimeout(error);
          buffer.set(own.fill(i));
          c1.setReadDeadline(Date.now() + 1);
          await delay(1);
          assert.deepEqual(buffer, own);
        }
      }
    };
    await Promise.all(Array.from({ length: 10 }, reader));
    c1.destroy();
    await writing;
  },

  // A buffer is the caller's again as soon as the write has settled, so what arrives is never what came into it later.
  'nettest RacyWrite': async ({ c1, c2 }) => {
    let wrong = 0;
    const reading = (async () => {
      for await (const message of c2) if (message.some((byte) => byte === 0xff)) wrong += 1;
    })();
    c1.setWriteDeadline(Date.now() + 1);
    const writer = async (): Promise<void> => {
      const buffer = new Uint8Array(CHUNK);
      for (let i = 0; i < 10; i++) {
        buffer.fill(i);
        try {
          await c1.write(buffer);
        } catch (error) {
          assertTimeout(error);
          c1.setWriteDeadline(Date.now() + 1);
        }
        buffer.fill(0xff);
      }
    };
    await Promise.all(Array.from({ length: 10 }, writer));
    await c1.close();
    await reading;
    assert.equal(wrong, 0);
  },

  'nettest ReadTimeout': async ({ c1, c2 }) => {
    void discard(c2);
    c1.setReadDeadline(LONG_AGO);
    await timesOut(c1.read(new Uint8Array(CHUNK)));
    assert.equal(await c1.write(new Uint8Array(CHUNK)), CHUNK);
  },

  'nettest WriteTimeout': async ({ c1, c2 }) => {
    const writing = meanwhile(writeForever(c2));
    c1.setWriteDeadline(LONG_AGO);
    await timesOut(c1.write(new Uint8Array(CHUNK)));
    assert.ok((await c1.read(new Uint8Array(CHUNK)))! > 0);
    c1.destroy();
    await writing;
  },

  'nettest PastTimeout': async ({ c1, c2 }) => {
    void echo(c2);
    await roundTrip(c1);
    c1.setDeadline(LONG_AGO);
    const written = await timesOut(c1.write(new Uint8Array(CHUNK)));
    assert.equal(written.bytesWritten, 0);
    await timesOut(c1.read(new Uint8Array(CHUNK)));
    await roundTrip(c1);
  },

  // The peer does not read: the writer that waits is ended by the deadline too.
  'nettest PresentTimeout': async ({ c1 }) => {
    let set = false;
    const ends = async (call: () => Promise<unknown>): Promise<void> => {
      await timesOut(forever(call));
      assert.ok(set, 'timed out before the deadline was set');
    };
    const reading = meanwhile(ends(() => c1.read(new Uint8Array(CHUNK))));
    const writing = meanwhile(ends(() => c1.write(new Uint8Array(CHUNK))));
    await delay(100);
    set = true;
    c1.setReadDeadline(LONG_AGO);
    c1.setWriteDeadline(LONG_AGO);
    await Promise.all([reading, writing]);
  },

  'nettest FutureTimeout': async ({ c1, c2 }) => {
    const at = Date.now() + 100;
    c1.setDeadline(at);
    const reading = meanwhile(timesOut(c1.read(new Uint8Array(CHUNK))));
    const writing = meanwhile(timesOut(forever(() => c1.write(new Uint8Array(CHUNK)))));
    await Promise.all([reading, writing]);
    assert.ok(Date.now() >= at, 'timed out early');
    void echo(c2);
    await resync(c1);
    await roundTrip(c1);
  },

  'nettest CloseTimeout': async ({ c1, c2 }) => {
    void echo(c2);
    c1.setDeadline(Date.now() + AN_HOUR_MS);
    const reading = meanwhile(
      rejects(
        forever(() => c1.read(new Uint8Array(CHUNK))),
        'ERR_POOL_CLOSED',
      ),
    );
    const writing = meanwhile(
      rejects(
        forever(() => c1.write(new Uint8Array(CHUNK))),
        'ERR_POOL_CLOSED',
      ),
    );
    await delay(50);
    await c1.close();
    await Promise.all([reading, writing]);
  },

  'nettest ConcurrentMethods': async ({ c1, c2 }) => {
    void echo(c2);
    const calls = Array.from({ length: 100 }, () => [
      c1.read(new Uint8Array(CHUNK)),
      c1.write(new Uint8Array(CHUNK)),
      (async () => c1.setDeadline(Date.now() + 10))(),
      (async () => c1.setReadDeadline(LONG_AGO))(),
      (async () => c1.setWriteDeadline(LONG_AGO))(),
      (async () => c1.localAddr.toString() + c1.remoteAddr.toString())(),
    ]).flat();
    // Each may succeed or time out; what counts is that all settle and nothing else happens.
    for (const result of await Promise.allSettled<unknown>(calls)) {
      if (result.status === 'rejected') assertTimeout(result.reason);
    }
    c1.setDeadline(null);
    await resync(c1);
    await roundTrip(c1);
  },
};

function assertTimeout(error: unknown): void {
  assert.ok(error instanceof PoolError && error.timeout, `expected a timeout, not ${String(error)}`);
}

/** Calls again and again, until it rejects. */
async function forever(call: () => Promise<unknown>): Promise<never> {
  for (;;) await call();
}

async function writeInParts(flow: Flow, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; at += CHUNK) await flow.write(data.subarray(at, at + CHUNK));
}

/** Until the other end goes away. Never rejects. */
async function writeForever(flow: Flow): Promise<void> {
  await forever(() => flow.write(pattern(CHUNK))).catch(() => {});
}

/** The other end echoes. */
async function roundTrip(flow: Flow): Promise<void> {
  flow.setDeadline(Date.now() + AN_HOUR_MS);
  const want = pattern(8, 1);
  await flow.write(want);
  assert.deepEqual(await readBytes(flow, want.length), want);
  flow.setDeadline(null);
}

/** Reads away what is still under way from before; the other end echoes. */
async function resync(flow: Flow): Promise<void> {
  flow.setDeadline(null);
  const marker = Buffer.from('resync marker');
  await flow.writeMessage(marker);
  // By its bytes, so that a flow that joins and splits messages, as a stream of bytes may, passes as well.
  for (let tail = Buffer.alloc(0); !tail.equals(marker); ) {
    const message = await flow.readMessage();
    assert.ok(message !== null, 'the end came before the marker');
    tail = Buffer.concat([tail, message]).subarray(-marker.length);
  }
}
