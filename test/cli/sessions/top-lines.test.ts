import pc from 'picocolors';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../src/cli/screen/text-width.js';
import { orderBy } from '../../../src/cli/sessions/sort-order.js';
import { topLines, type TopState } from '../../../src/cli/sessions/top-lines.js';
import { watched } from './sessions.js';

const state = (count: number, changes: Partial<TopState> = {}): TopState => ({
  device: '/dev/pool',
  isModule: false,
  sessions: watched(count),
  order: orderBy('index'),
  intervalMs: 1000,
  ...changes,
});

const screen = (of: TopState, columns: number, rows: number): string[] => topLines(of, { columns, rows, live: true });

const SPARK = /[▁▂▃▄▅▆▇█]{5}/g;

describe('the screen of top', () => {
  it.each([
    { columns: 80, rows: 24 },
    { columns: 200, rows: 50 },
  ])('shows 20 sessions with three sparklines each on $columns x $rows, aligned', ({ columns, rows }) => {
    const lines = screen(state(20), columns, rows);
    expect(lines).toHaveLength(rows);
    const titles = lines[1]!;
    const table = lines.slice(2, 22);
    for (const [at, line] of table.entries()) {
      expect(line).toMatch(new RegExp(`^ ?${at} `));
      expect([...line.matchAll(/[▁▂▃▄▅▆▇█]+/g)].length, line).toBeGreaterThanOrEqual(3);
    }
    // A right-aligned column ends where its title ends, in every line.
    for (const title of ['RTT', 'OUT/s', 'IN/s', 'LOSS']) {
      const end = titles.indexOf(title) + title.length;
      for (const line of table) expect(`${title}: ${line.slice(end - 1, end + 1)}`).toMatch(/[Bs%–] $/);
    }
    expect(lines.at(-1)).toMatch(/^q quit/);
  });

  it('is never wider or higher than the terminal, whatever its size', () => {
    // Collected: an expectation for each line takes longer than the screens.
    const wrong: unknown[] = [];
    for (const of of [
      state(0),
      state(1),
      state(20),
      state(64),
      state(20, { isModule: true, device: `/tmp/${'x'.repeat(300)}` }),
    ]) {
      for (let columns = 1; columns <= 260; columns += columns < 100 ? 1 : 20) {
        for (const rows of [1, 2, 3, 5, 24, 50]) {
          const lines = screen(of, columns, rows);
          if (lines.length > rows) wrong.push({ columns, rows, height: lines.length });
          for (const line of lines) if (textWidth(line) > columns) wrong.push({ columns, rows, line });
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('counts the rows that do not fit', () => {
    const lines = screen(state(20), 80, 19);
    expect(lines).toHaveLength(19);
    expect(lines[17]).toBe('… 5 more');
    expect(screen(state(20), 80, 23).join('\n')).not.toMatch(/more/);
  });

  it('keeps the address, the round trip and the rates on 40 columns', () => {
    const lines = screen(state(20), 40, 24);
    expect(lines[1]).toMatch(/^#▲ PEER +RTT/);
    expect(lines[3]).toMatch(/^ 1 192\.168…1:50001 +626 µs/);
  });

  it('shows more on a wide terminal', () => {
    expect(screen(state(20), 80, 24)[1]).not.toMatch(/JITTER/);
    expect(screen(state(20), 200, 50)[1]).toMatch(/STATE.*UP.*SENT.*RECEIVED.*JITTER.*QUEUE.*MTU/);
    expect(screen(state(20), 240, 50)[1]).toMatch(/SESSION ID$|SESSION ID /);
  });

  it('sorts, marks the column, and keeps equals in the order of their slots', () => {
    const order = (of: TopState) =>
      screen(of, 80, 30)
        .slice(2, 22)
        .map((line) => parseInt(line, 10));
    const byRtt = state(20, { order: orderBy('rtt') });
    expect(order(byRtt)).toEqual([...Array(20).keys()].reverse());
    expect(screen(byRtt, 80, 24)[1]).toMatch(/RTT▼/);
    const up = state(20, { order: { key: 'rtt', descending: false } });
    expect(order(up)).toEqual([...Array(20).keys()]);
    expect(screen(up, 80, 24)[1]).toMatch(/RTT▲/);
    expect(order(state(20, { order: orderBy('loss') })).slice(-7)).toEqual([0, 3, 6, 9, 12, 15, 18]);
  });

  it("marks the kernel module's figures as its own", () => {
    const lines = screen(state(20, { isModule: true }), 80, 24);
    expect(lines[0]).toMatch(/\(module\)/);
    expect(lines[1]).toMatch(/LAST DIALLED.*RTT\*.*LOSS\*/);
    expect(lines.at(-2)).toMatch(/^\* the module's own figures/);
  });

  it('says so where there is no session', () => {
    expect(screen(state(0), 80, 24)[2]).toMatch(/^no sessions/);
  });

  it('paints without moving anything', () => {
    const plain = screen(state(20), 80, 24);
    const painted = topLines(state(20), { columns: 80, rows: 24, live: true, colors: pc.createColors(true) });
    expect(painted.join('')).toContain('\x1b[');
    expect(painted.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(
      plain.map((line) => line.trimEnd()),
    );
  });

  it('is a plain table for a file: every session, no keys, no sparklines', () => {
    const lines = topLines(state(64), { columns: 132, rows: Infinity, live: false });
    expect(lines).toHaveLength(66);
    expect(lines.join('\n')).not.toMatch(SPARK);
  });
});
