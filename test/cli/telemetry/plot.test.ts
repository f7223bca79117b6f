import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../src/cli/screen/text-width.js';
import { type PlotState, plotLines } from '../../../src/cli/telemetry/plot.js';
import { sample, samples } from './samples.js';

const state = (count: number, changes: Partial<PlotState> = {}): PlotState => ({
  title: '10.0.0.1:9253, user backend',
  samples: samples(count),
  intervalMs: 1000,
  isModule: false,
  ...changes,
});

describe('the screen of telemetry', () => {
  it.each([
    { columns: 80, rows: 24 },
    { columns: 200, rows: 50 },
  ])('shows six graphs on $columns x $rows, aligned at the right edge', ({ columns, rows }) => {
    const lines = plotLines(state(300), { columns, rows });
    expect(lines).toHaveLength(rows);
    for (const name of ['RTT', 'out', 'in', 'loss', 'jitter', 'queue']) {
      expect(lines.filter((line) => line.startsWith(`${name} `))).toHaveLength(1);
    }
    expect(lines[0]).toMatch(/^10\.0\.0\.1:9253, user backend {2}up 4 m 59 s {2}ESTABLISHED {2}MTU 1400/);
    const bottoms = lines.filter((line) => /[▁▂▃▄▅▆▇█]$/.test(line));
    expect(bottoms.length).toBeGreaterThanOrEqual(6);
    for (const line of bottoms) expect(textWidth(line)).toBeLessThanOrEqual(columns);
    expect(bottoms.filter((line) => textWidth(line) === columns).length).toBeGreaterThanOrEqual(6);
    expect(lines.at(-1)).toMatch(/^q quit {2}every 1 s {2}the last /);
  });

  it('uses what there is of a terminal', () => {
    const filled = plotLines(state(300), { columns: 80, rows: 24 }).filter((line) => line !== '');
    expect(filled.length).toBeGreaterThan(15);
  });

  it('is never wider or higher than the terminal, whatever its size', () => {
    // Collected, and not an expectation for each of the hundreds of thousands of lines, which takes longer than the screens.
    const wrong: unknown[] = [];
    for (const of of [state(0), state(1), state(300), state(9, { isModule: true, title: 'x'.repeat(300) })]) {
      for (let columns = 1; columns <= 240; columns += columns < 90 ? 1 : 30) {
        for (let rows = 1; rows <= 60; rows += 1) {
          const lines = plotLines(of, { columns, rows });
          if (lines.length > rows) wrong.push({ columns, rows, height: lines.length });
          for (const line of lines) if (textWidth(line) > columns) wrong.push({ columns, rows, line });
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('says from 6 s on that nobody answers, in place of promising the first heartbeat', () => {
    const silent = (at: number, isModule = false): string => {
      const state = { title: 'x', samples: [sample(at, { rttUs: null })], intervalMs: 1000, isModule };
      return plotLines(state, { columns: 100, rows: 24 }).join('\n');
    };
    expect(silent(5.9)).toMatch(/first heartbeat/);
    expect(silent(6)).toMatch(/no heartbeat was answered in 6 s: most likely nobody over there accepts/);
    expect(silent(6)).not.toMatch(/first heartbeat/);
    expect(silent(6, true)).not.toMatch(/no heartbeat/);
  });

  it('says what it waits for until the first heartbeat was answered', () => {
    const lines = (count: number) => plotLines(state(count), { columns: 80, rows: 24 }).join('\n');
    expect(lines(3)).toMatch(/first heartbeat, 5 s after/);
    expect(lines(3)).toMatch(/^RTT +–/m);
    expect(lines(9)).not.toMatch(/first heartbeat/);
  });

  it("marks the kernel module's figures as its own", () => {
    const text = plotLines(state(9, { isModule: true }), { columns: 80, rows: 24 }).join('\n');
    expect(text).toMatch(/^RTT\* /m);
    expect(text).toMatch(/^\* the module's own figures/m);
  });
});
