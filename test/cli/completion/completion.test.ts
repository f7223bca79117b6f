/** Completion as the shells themselves make it of the scripts, and the manual page as groff reads it. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandTree } from '../../../src/cli/completion/command-tree.js';
import { completionScript, SHELLS } from '../../../src/cli/completion/scripts.js';
import { program, run } from '../../../src/cli/program.js';
import { program as machineHas } from '../../require.js';
import { testTerminal } from '../test-terminal.js';

const tree = commandTree(program(testTerminal()));

async function printed(...args: string[]): Promise<string> {
  const terminal = testTerminal();
  expect(await run(args, terminal)).toBe(0);
  return terminal.out();
}

describe('completion', () => {
  it('knows every command that is shown, and no hidden one', () => {
    const paths = tree.map(({ path }) => path.join(' '));
    expect(paths).toEqual(expect.arrayContaining(['pool-ts', 'pool-ts bridge tcp2pool', 'pool-ts ping']));
    expect(paths).not.toContain('pool-ts version');
  });

  it.each(SHELLS)('is printed for %s', async (shell) => {
    expect(await printed('completion', shell)).toBe(completionScript(shell, tree));
    for (const name of ['listen', 'tcp2pool', 'idle-timeout', 'pool6']) {
      expect(completionScript(shell, tree)).toContain(name);
    }
  });

  it('is refused for another shell', async () => {
    const terminal = testTerminal();
    expect(await run(['completion', 'csh'], terminal)).toBe(64);
    expect(terminal.err()).toMatch(/bash, zsh, fish/);
  });

  describe.skipIf(machineHas('bash', 'bash').missing)('in bash', () => {
    /** What Tab offers behind these words, the last of which is begun. */
    function offered(...words: string[]): string[] {
      const list = words.map((word) => `'${word}'`).join(' ');
      const script = `${completionScript('bash', tree)}
COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _pool_ts; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      return stdout.split('\n').filter((line) => line !== '');
    }

    it.each([
      [['pool-ts', 'li'], ['listen']],
      [
        ['pool-ts', 'bridge', ''],
        ['tcp2pool', 'pool2tcp', 'socks2pool'],
      ],
      [['pool-ts', 'bridge', 'tcp2pool', '--gr'], ['--grace']],
      [
        ['pool-ts', 'connect', '--backend', ''],
        ['auto', 'kernel', 'user'],
      ],
      [['pool-ts', 'connect', '--backend', 'k'], ['kernel']],
      [['pool-ts', 'connect', '--timeout', ''], []],
      [['pool-ts', 'send', 'rep'], []],
      [['pool-ts', 'sessions', 'cl'], ['close']],
      [['pool-ts', 'ping', '--round'], ['--round-trip']],
    ])('%o gives %o', (words, wanted) => {
      expect(offered(...words)).toEqual(wanted);
    });
  });

  it.skipIf(machineHas('zsh', 'zsh').missing)('is read by zsh', () => {
    const { stderr, status } = spawnSync('zsh', ['-n'], { input: completionScript('zsh', tree), encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });

  it.skipIf(machineHas('fish', 'fish').missing)('is read by fish', () => {
    const { stderr, status } = spawnSync('fish', ['-n'], { input: completionScript('fish', tree), encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });
});

describe('the manual page', () => {
  it('has every command with its help', async () => {
    const page = await printed('manual');
    expect(page).toMatch(/^\.TH POOL-TS 1 /);
    for (const { path } of tree.filter(({ path }) => path.length === 2)) {
      expect(page).toContain(`.SH ${path[1]!.toUpperCase()}\n`);
    }
    expect(page).toContain('Usage: pool\\-ts bridge tcp2pool');
  });

  it.skipIf(machineHas('groff', 'groff').missing)('is read by groff without a warning', async () => {
    const input = await printed('manual');
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-ww', '-Tutf8'], { input, encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toContain('pool-ts ping -c 4 server');
  });
});
