import { describe, expect, it } from 'vitest';
import { LineSplitter, LineTooLong } from '../../../src/cli/netcat/lines.js';

const text = (lines: readonly Buffer[]) => lines.map(String);

describe('lines as messages', () => {
  it('are the same wherever the input was cut', () => {
    const input = Buffer.from('one\n\ntwo\r\n\u00e9\nlast');
    for (let size = 1; size <= input.length; size += 1) {
      const splitter = new LineSplitter(100);
      const lines: Buffer[] = [];
      for (let at = 0; at < input.length; at += size) lines.push(...splitter.push(input.subarray(at, at + size)));
      lines.push(...splitter.end());
      expect(text(lines), `cut each ${size}`).toEqual(['one', 'two\r', '\u00e9', 'last']);
    }
  });

  it('may have as many bytes as a message, and not one more', () => {
    const splitter = new LineSplitter(4);
    expect(text(splitter.push(Buffer.from('1234\n12')))).toEqual(['1234']);
    expect(text(splitter.push(Buffer.from('34\n')))).toEqual(['1234']);
    expect(() => splitter.push(Buffer.from('12345'))).toThrow(/^line 3 .* at most 4 bytes$/);
  });

  it('are kept where one behind them is too long', () => {
    const splitter = new LineSplitter(4);
    let error: unknown;
    try {
      splitter.push(Buffer.from('one\ntwo\nfour5\nsix\n'));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LineTooLong);
    expect(text((error as LineTooLong).before)).toEqual(['one', 'two']);
    expect((error as LineTooLong).exitCode).toBe(65);
  });
});
