import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { testTerminal } from '../test-terminal.js';

/** Why there is no table, and both ways out. */
const SAYS =
  /^pool-ts [a-z ]+: [^\n]*without one each program has a POOL node of its own[^\n]*npx pool-ts device[^\n]*pool-ts telemetry host:port[^\n]*\n$/;

describe.skipIf(process.platform !== 'linux')('without a device', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pool-no-device-'));
    writeFileSync(join(folder, 'plain'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const commands = [
    ['sessions'],
    ['sessions', '--json'],
    ['sessions', 'close', '3'],
    ['top'],
    ['top', '--json'],
    ['metrics', '--once'],
  ];
  const paths = ['missing', 'plain', 'plain/below', '.'];
  it.each(commands.flatMap((command) => paths.map((path) => ({ command, path }))))(
    '$command ends with 69 and one line that says why and what to do: $path',
    async ({ command, path }) => {
      const terminal = testTerminal();
      terminal.env = { POOL_DEVICE: join(folder, path) };
      expect(await run(command, terminal)).toBe(69);
      // Whoever reads JSON gets some, also where there is nothing to list.
      if (command[1] !== '--json') expect(terminal.out()).toBe('');
      else if (command[0] === 'sessions') expect(terminal.out()).toBe('[]\n');
      else expect(JSON.parse(terminal.out())).toMatchObject({ device: join(folder, path), sessions: [] });
      expect(terminal.err()).toMatch(SAYS);
      expect(terminal.err()).toContain(join(folder, path));
    },
  );
});
