import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../src/cli/screen/text-width.js';
import { barLine, type Progress } from '../../../src/cli/transfer/progress-line.js';

const FAMILY = '👩‍👩‍👧‍👦';
const NAMES = [
  'movie.mkv',
  '日本語の長い長い長い長い名前.mkv',
  `${FAMILY.repeat(12)}.jpg`,
  `Ame\u0301lie ${'e\u0301'.repeat(60)}.mkv`,
  '🇩🇪',
];

const progress = (name: string): Progress => ({
  ...{ name, size: 1000, moved: 450, bytesPerSecond: 100, secondsLeft: 5.5 },
});

describe('the line of a transfer on a terminal', () => {
  it.each(NAMES)('of %j is as wide as that of a name of letters, and never wider than the terminal', (name) => {
    for (let columns = 10; columns < 200; columns++) {
      const line = barLine(progress(name), columns);
      expect(textWidth(line)).toBeLessThanOrEqual(columns);
      // Cells that are left to no bar would show as one that jumps between files.
      if (line.includes('[') && columns < 80) expect(columns - textWidth(line)).toBe(0);
    }
  });

  it('splits no character that is joined of several', () => {
    const line = barLine(progress(`${FAMILY.repeat(20)}.jpg`), 80);
    expect(line).toMatch(new RegExp(`^(${FAMILY})+…(${FAMILY})*\\.jpg +45% \\[`));
  });

  it('keeps the end of a long name, which tells files apart', () => {
    expect(barLine(progress(`${'x'.repeat(100)}.part01.rar`), 80)).toMatch(/^x+….*\.part01\.rar {2}45% \[/);
  });
});
