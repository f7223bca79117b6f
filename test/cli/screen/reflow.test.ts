import { describe, expect, it } from 'vitest';
import { reflow, wrap } from '../../../src/cli/screen/reflow.js';

describe('reflow', () => {
  it('leaves alone what fits', () => {
    const text = '\nExamples:\n  pool-ts top    live\n\nA line.\nAnother.\n';
    expect(reflow(text, 40)).toBe(text);
  });

  it('fills the lines of a paragraph that is too wide, and no other', () => {
    const text = 'One two three four five\nsix seven.\n\nA line.\nAnother.';
    expect(reflow(text, 15)).toBe('One two three\nfour five six\nseven.\n\nA line.\nAnother.');
  });

  it('goes on with a remark below itself', () => {
    expect(reflow('  pool-ts top     the sessions of a device, every second', 42)).toBe(
      ['  pool-ts top     the sessions of a', '                  device, every second'].join('\n'),
    );
  });

  it('puts a remark below its example where there is no room beside it', () => {
    expect(reflow('  pool-ts repl --backend user      for every dial and listen in it', 40)).toBe(
      ['  pool-ts repl --backend user', '      for every dial and listen in it'].join('\n'),
    );
  });

  it('never breaks an example', () => {
    const example = "  pool-ts sessions --json | jq '.[] | select(.state)'";
    expect(reflow(example, 20)).toBe(example);
  });
});

describe('wrap', () => {
  it('keeps a word that is wider than a line', () => {
    expect(wrap('a pneumonoultramicroscopic b', 10)).toEqual(['a', 'pneumonoultramicroscopic', 'b']);
  });
});
