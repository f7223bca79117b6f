/** Completion as the shells themselves make it of the scripts, and the manual page as groff reads it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
complete -p pool-ts >/dev/null || exit 9
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

  describe.skipIf(machineHas('zsh', 'zsh').missing)('in zsh, after compinit', () => {
    /** What it would offer: zsh shows it on a terminal only, so that here the two that show it print it. */
    function offered(...words: string[]): string[] {
      const list = words.map((word) => `'${word}'`).join(' ');
      const script = `autoload -Uz compinit; compinit -D -u
${completionScript('zsh', tree)}
[[ \${_comps[pool-ts]} == _pool_ts ]] || exit 9
_describe() { print -rl -- "\${(@P)2}" }
compadd() { [[ $1 == -a ]] && print -rl -- "\${(@P)2}" }
_files() { print files }
words=(${list}); CURRENT=${words.length}; PREFIX='${words.at(-1)}'; _pool_ts`;
      const { stdout, stderr, status } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      const entries = stdout.split('\n').filter((line) => line !== '');
      // zsh itself leaves out what doesn't begin like the word.
      return entries
        .map((line) => line.split(':')[0]!)
        .filter((name) => name.startsWith(words.at(-1)!) || name === 'files');
    }

    it.each([
      [['pool-ts', 'br'], ['bridge']],
      [
        ['pool-ts', 'bridge', ''],
        ['tcp2pool', 'pool2tcp', 'socks2pool'],
      ],
      [['pool-ts', 'bridge', 'tcp2pool', '--gr'], ['--grace']],
      [['pool-ts', 'connect', '--backend', 'k'], ['kernel']],
      [['pool-ts', 'sessions', 'cl'], ['close']],
      [['pool-ts', 'send', 'rep'], ['files']],
    ])('%o gives %o', (words, wanted) => {
      expect(offered(...words)).toEqual(wanted);
    });
  });

  describe.skipIf(machineHas('fish', 'fish').missing)('in fish', () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'pool-ts-fish-'));
      writeFileSync(join(folder, 'report.pdf'), '');
      writeFileSync(join(folder, 'pool-ts.fish'), completionScript('fish', tree));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each([
      ['pool-ts br', ['bridge']],
      ['pool-ts bridge ', ['pool2tcp', 'socks2pool', 'tcp2pool']],
      ['pool-ts bridge tcp2pool --gr', ['--grace']],
      ['pool-ts connect --backend k', ['kernel']],
      ['pool-ts sessions cl', ['close']],
      ['pool-ts send rep', ['report.pdf']],
      ['pool-ts connect --timeout ', ['pool-ts.fish', 'report.pdf']],
    ])('%s gives %o', (typed, wanted) => {
      // complete -C is what TAB asks.
      const args = ['--no-config', '-c', `source pool-ts.fish; complete -C ${JSON.stringify(typed)}`];
      const env = { ...process.env, HOME: folder };
      const { stdout, stderr, status } = spawnSync('fish', args, { cwd: folder, env, encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      const names = stdout.split('\n').filter((line) => line !== '');
      expect(names.map((line) => line.split('\t')[0])).toEqual(wanted);
    });
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
