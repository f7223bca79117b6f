/** `pool-ts receive` among senders that say nothing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { type Conn, dial } from '../../../src/index.js';
import { randomBytes } from '../../random.js';
import { testTerminal } from '../test-terminal.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-receive-'));
  mkdirSync(join(folder, 'in'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('takes the files of the 17th sender, while sixteen say nothing', async () => {
  const warnings: string[] = [];
  const warned = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', warned);
  const receiver = testTerminal();
  const args = ['receive', '--backend', 'user', join(folder, 'in'), '--listen', '127.0.0.1:0'];
  const receiving = run(args, receiver);
  const address = await listening(() => receiver.err());
  const silent: Conn[] = [];
  for (let i = 0; i < 16; i++) silent.push(await dial(address, { backend: 'user' }));

  const contents = randomBytes(100_000);
  writeFileSync(join(folder, 'file'), contents);
  const sender = testTerminal();
  expect(await run(['send', '--backend', 'user', join(folder, 'file'), address], sender), sender.err()).toBe(0);
  expect(readFileSync(join(folder, 'in', 'file')).equals(contents)).toBe(true);
  expect(silent.map(({ state }) => state)).toEqual(silent.map(() => 'open'));

  for (const conn of silent) conn.destroy();
  receiver.interrupt();
  await receiving;
  // Of a leak, for example, where each session listens to the signal that ends the command.
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});

/** The address that it prints when it listens. */
async function listening(said: () => string): Promise<string> {
  for (;;) {
    const address = /listening on (\S+),/.exec(said())?.[1];
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
