import { describe, expect, it } from 'vitest';
import { SessionHistory } from '../../../src/cli/sessions/session-history.js';
import { sessionRow } from '../../../src/cli/sessions/session-row.js';
import { info } from './sessions.js';

const row = (changes: Parameters<typeof info>[1] = {}) => sessionRow(info(1, changes));

describe('the history of sessions', () => {
  it('makes rates of counters, not of the throughput that the device tells', () => {
    const history = new SessionHistory();
    expect(history.add([row({ bytesSent: 100n, bytesRecv: 0n })], 0)[0]).toMatchObject({
      sentRate: null,
      receivedRate: null,
    });
    const [session] = history.add([row({ bytesSent: 1100n, bytesRecv: 50n })], 500);
    expect(session).toMatchObject({ sentRate: 2000, receivedRate: 100 });
    expect(session!.history.throughput).toEqual([null, 2100]);
    expect(session!.history.rtt).toEqual([626, 626]);
  });

  it('knows a session by its slot and its id', () => {
    const history = new SessionHistory();
    history.add([row({ bytesSent: 5000n })], 0);
    const other = row({ bytesSent: 6000n, sessionId: new Uint8Array(16).fill(99) });
    expect(history.add([other], 1000)[0]).toMatchObject({ sentRate: null, history: { throughput: [null] } });
  });

  it('shows no rate where a counter went back, and no round trip before the first heartbeat', () => {
    const history = new SessionHistory();
    history.add([row({ bytesSent: 5000n })], 0);
    const telemetry = { ...info(1).telemetry, rttNs: 0n };
    const [session] = history.add([row({ bytesSent: 10n, telemetry })], 1000);
    expect(session).toMatchObject({ sentRate: null, history: { rtt: [626, null] } });
  });

  it('is bounded', () => {
    const history = new SessionHistory();
    for (let at = 0; at < 1000; at += 1) history.add([row()], at);
    expect(history.add([row()], 1000)[0]!.history.rtt.length).toBeLessThanOrEqual(240);
  });
});
