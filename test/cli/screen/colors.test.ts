import { describe, expect, it } from 'vitest';
import { colorsFor, hasColors, isLive } from '../../../src/cli/screen/colors.js';
import { testTerminal } from '../test-terminal.js';

describe('colours', () => {
  it.each([
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR, which is none', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    // Whatever other tools make of it, a pipe into a file stays plain.
    ['a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, false],
  ])('%s', (_name, tty, env, colored) => {
    const terminal = { ...testTerminal({ tty }), env };
    expect(hasColors(terminal)).toBe(colored);
    expect(colorsFor(terminal).red('x')).toBe(colored ? '\x1b[31mx\x1b[39m' : 'x');
  });

  it('are no condition of a screen that is drawn again', () => {
    expect(isLive({ ...testTerminal({ tty: true }), env: { NO_COLOR: '1' } })).toBe(true);
  });
});
