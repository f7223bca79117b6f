import { describe, expect, it } from 'vitest';
import { sessionList } from '../../../src/cli/sessions/session-list.js';
import { peerText, sessionRow } from '../../../src/cli/sessions/session-row.js';
import { info, V6 } from './sessions.js';

describe('the list of sessions', () => {
  it('has a line each, whole for a pipe and cut for a terminal', () => {
    const rows = [info(0), info(1), info(4)].map(sessionRow);
    const lines = sessionList(rows, false, Infinity);
    expect(lines[0]).toMatch(/^ # {2}PEER +STATE +SENT +RECEIVED +RTT +UP {2}SESSION ID$/);
    expect(lines[2]).toMatch(
      /^ 1 {2}192\.168\.200\.101:50001 +ESTABLISHED +1\.00 MB +70\.0 kB +626 µs +16 m 40 s {2}01{1}/,
    );
    expect(lines).toHaveLength(4);
    for (const line of sessionList(rows, false, 40)) expect(line.length).toBeLessThanOrEqual(40);
    expect(sessionList(rows, true, 200)[0]).toMatch(/LAST DIALLED/);
  });

  it.each([
    [{ peerAddr: V6, peerPort: 9253 }, '[2001:db8:1:2:3:4:5:6]:9253'],
    [{ peerAddr: V6, peerPort: 0 }, '2001:db8:1:2:3:4:5:6'],
    [{ peerAddr: new Uint8Array(16), peerPort: 0 }, 'unknown'],
    [{ peerPort: 9253 }, '192.168.200.101:9253'],
  ])('shows the address of %j as %s', (changes, text) => {
    expect(peerText(sessionRow(info(1, changes)))).toBe(text);
  });

  it('takes bigints to numbers that JSON knows', () => {
    const row = sessionRow(info(3, { state: 9 }));
    expect(JSON.parse(JSON.stringify(row))).toMatchObject({ index: 3, state: '9', bytesSent: 3000009, rttUs: 1252 });
  });
});
