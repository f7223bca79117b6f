import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.js';
import { testTerminal } from './test-terminal.js';

async function printed(...args: string[]) {
  const terminal = testTerminal();
  const code = await run(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const NAMES = [
  ...[
    [],
    ['listen'],
    ['connect'],
    ['ping'],
    ['send'],
    ['receive'],
    ['sessions'],
    ['sessions', 'close'],
    ['top'],
    ['telemetry'],
  ],
  ...[
    ['bridge'],
    ['bridge', 'tcp2pool'],
    ['bridge', 'pool2tcp'],
    ['bridge', 'socks2pool'],
    ['metrics'],
    ['keygen'],
    ['bench'],
    ['device'],
    ['doctor'],
    ['repl'],
    ['completion'],
    ['manual'],
  ],
];

describe('the command line', () => {
  it('prints its help, and a version that package.json names', async () => {
    expect(await printed('--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Commands:') as string,
      err: '',
    });
    expect((await printed('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('says its version also as a command, and on a terminal of 0 columns prints words', async () => {
    expect((await printed('version')).out).toBe((await printed('--version')).out);
    const terminal = testTerminal();
    Object.assign(terminal.stdout, { columns: 0 });
    await run(['send', '--help'], terminal);
    expect(terminal.out()).toContain('resumable and checked');
  });

  it('prints JSON also where there is no table to list', async () => {
    const { code, out, err } = await printed('sessions', '--json', '--device', '/nonexistent/pool');
    expect([code, JSON.parse(out)]).toEqual([69, []]);
    expect(err).toMatch(/^pool-ts sessions: /);
  });

  it('tells what is wrong with a command in one line, and where to read on', async () => {
    expect(await printed('devcie')).toEqual({
      code: 64,
      out: '',
      err: "pool-ts: unknown command 'devcie' (Did you mean device?) (see pool-ts --help)\n",
    });
    const wrong = await printed('device', '--mode', '999');
    expect(wrong.code).toBe(64);
    expect(wrong.err).toMatch(/^pool-ts device: .*--mode.*octal.*\(see pool-ts device --help\)\n$/);
  });

  it('teaches each command by example', async () => {
    const { out } = await printed('--help');
    const names = [...out.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)]
      .map((match) => match[1]!)
      .filter((name) => name !== 'help');
    expect(names).toContain('device');
    for (const name of names) expect((await printed(name, '--help')).out, name).toMatch(/Examples?:\n\s+pool-ts /);
  });

  it.each([['nonsense'], ['bridge', 'nonsense']])('has no help for a command that it has not: %s', async (...names) => {
    const [above, ...last] = names.length === 1 ? ['pool-ts'] : [`pool-ts ${names[0]}`, names[0]];
    const { code, out, err } = await printed(...last, 'help', names.at(-1)!);
    expect({ code, out, err }).toEqual({
      code: 64,
      out: '',
      err: expect.stringMatching(
        /^pool-ts[^\n]*: unknown command 'nonsense' \(see pool-ts[^\n]* --help\)\n$/,
      ) as string,
    });
    expect(err).toContain(`${above}: `);
    expect((await printed(...last, 'help')).code).toBe(0);
  });

  it.each(NAMES)('has a help that fits a terminal of 80 cells, but for examples to copy: %s', async (...names) => {
    const { code, out } = await printed(...names, '--help');
    expect(code).toBe(0);
    const tooWide = out.split('\n').filter((line) => line.length > 80);
    for (const line of tooWide) expect(line).toMatch(/^ {2}\S/);
    expect(tooWide.filter((line) => !line.startsWith('  pool-ts '))).toHaveLength(0);
  });

  it.each(['top', 'telemetry', 'bench'])(
    'says the default of a time once, in the unit of the option: %s',
    async (name) => {
      const { out } = await printed(name, '--help');
      expect(out.match(/\(default: \d+\)/g)).toEqual([name === 'bench' ? '(default: 3)' : '(default: 1)']);
    },
  );

  it('fails before it does anything with the message and code of pool-ts', async () => {
    const { code, err } = await printed('device', '/tmp/x', '--host', 'nonsense');
    expect(code).toBe(64);
    expect(err).toMatch(/^pool-ts device: .*numeric address.*\(ERR_POOL_INVALID_ADDRESS\)\n$/);
  });
});
