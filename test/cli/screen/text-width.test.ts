import { describe, expect, it } from 'vitest';
import { columnsOf, cut, cutMiddle, fit, printable, textWidth } from '../../../src/cli/screen/text-width.js';

describe('the width of text', () => {
  it.each([
    ['abc', 3],
    ['', 0],
    ['▁▂█–…µ', 6],
    ['日本', 4],
    ['\x1b[31mred\x1b[39m', 3],
    ['e\u0301', 1],
    ['🙂', 2],
    ['👩‍👩‍👧‍👦', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['☎', 1],
  ])('%j takes %i cells', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it('is never exceeded by what was cut, whatever the characters', () => {
    for (const text of ['abcdefghij', '日本語日本語', 'a日b本c', '[2001:db8::1]:9253', '👩‍👩‍👧‍👦a🇩🇪e\u0301👍🏽']) {
      for (let width = 0; width < 15; width += 1) {
        expect(textWidth(cut(text, width))).toBeLessThanOrEqual(width);
        expect(textWidth(cutMiddle(text, width))).toBeLessThanOrEqual(width);
        expect(textWidth(fit(text, width))).toBe(width);
      }
    }
  });

  it('leaves what fits, and keeps both ends of an address', () => {
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abcd', 3)).toBe('ab…');
    expect(cutMiddle('[2001:db8:1:2::1]:9253', 15)).toBe('[2001:d…1]:9253');
    expect(fit('7', 3, 'right')).toBe('  7');
  });

  it('splits no character that is joined of several', () => {
    expect(cut('👩‍👩‍👧‍👦🇩🇪x', 4)).toBe('👩‍👩‍👧‍👦…');
    expect(cutMiddle('👩‍👩‍👧‍👦abcdef🇩🇪', 6)).toBe('👩‍👩‍👧‍👦…f🇩🇪');
  });

  it.each([
    [{ columns: 0 }, 80],
    [{}, 80],
    [{ columns: 40 }, 40],
  ])('of a terminal that says %j is %i', (stream, columns) => {
    expect(columnsOf(stream, 80)).toBe(columns);
  });

  it('lets no name move the cursor', () => {
    expect(printable('a\x1b[2Jb\nc')).toBe('a?[2Jb?c');
    expect(printable('a\u009b2Jb\u202ec')).toBe('a?2Jb?c');
  });
});
