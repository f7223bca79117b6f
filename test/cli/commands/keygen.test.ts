import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { loadIdentity } from '../../../src/pool/identity/identity.js';
import { loadPsk } from '../../../src/pool/identity/pre-shared-key.js';
import { requirement } from '../../require.js';
import { type KeyFolder, keyFolder } from '../peers/key-files.js';
import { testTerminal } from '../test-terminal.js';

let folder: KeyFolder;
beforeEach(() => (folder = keyFolder()));
afterEach(() => folder.remove());

async function keygen(...args: string[]) {
  const terminal = testTerminal();
  terminal.env['XDG_CONFIG_HOME'] = folder.path;
  const code = await run(['keygen', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const sshKeygen = requirement('ssh-keygen', () =>
  spawnSync('ssh-keygen', ['-?'], { stdio: 'ignore' }).error === undefined ? null : 'there is no ssh-keygen on PATH',
);

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('pool-ts keygen', () => {
  it('writes a key for its owner alone, and a line for others, and tells the fingerprint', async () => {
    const path = join(folder.path, 'id');
    const { code, out } = await keygen(path, '--comment', 'ann at home');
    expect(code).toBe(0);
    expect([mode(path), mode(`${path}.pub`)]).toEqual([0o600, 0o644]);
    const line = readFileSync(`${path}.pub`, 'utf8');
    expect(line).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68} ann at home\n$/);
    expect(out).toContain(line);
    const { publicKey } = await loadIdentity({ file: path });
    expect(Buffer.from(line.split(' ')[1]!, 'base64').subarray(-32)).toEqual(Buffer.from(publicKey));
    expect(out).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/m);
  });

  it.skipIf(sshKeygen.missing)('is read by ssh-keygen -l, which tells the same fingerprint', async () => {
    const path = join(folder.path, 'id');
    const { out } = await keygen(path);
    const told = execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' });
    expect(out).toContain(/SHA256:\S+/.exec(told)![0]);
  });

  it('keeps the key of a user in the folder of configurations', async () => {
    expect((await keygen()).code).toBe(0);
    expect(mode(join(folder.path, 'pool-ts', 'identity'))).toBe(0o600);
    expect(mode(join(folder.path, 'pool-ts'))).toBe(0o700);
  });

  it.each(['id', 'id.pub'])('overwrites nothing: %s', async (name) => {
    const there = folder.file(name, 'mine');
    const { code, err } = await keygen(join(folder.path, 'id'));
    expect(code).toBe(73);
    expect(err).toBe(`pool-ts keygen: ${there} is there already, and a key is never overwritten: name another file\n`);
    expect(readFileSync(there, 'utf8')).toBe('mine');
    expect(existsSync(join(folder.path, name === 'id' ? 'id.pub' : 'id'))).toBe(false);
  });

  it('follows no link', async () => {
    symlinkSync(join(folder.path, 'elsewhere'), join(folder.path, 'id'));
    expect((await keygen(join(folder.path, 'id'))).code).toBe(73);
    expect(existsSync(join(folder.path, 'elsewhere'))).toBe(false);
  });

  it.each([
    [['nowhere/id'], 73, /there is no folder .*nowhere, make it first/],
    [['id', '--comment', 'two\nlines'], 64, /comment/],
    [['id', '--psk', '--comment', 'x'], 64, /cannot be used with/],
    [[''], 64, /empty/],
  ])('says in one line what is wrong with %j', async (args, exitCode, message) => {
    const [file = '', ...rest] = args;
    const { code, err, out } = await keygen(file && join(folder.path, file), ...rest);
    expect([code, out]).toEqual([exitCode, '']);
    expect(err).toMatch(message);
    expect(err.trimEnd()).not.toContain('\n');
  });
});

describe('pool-ts keygen --psk', () => {
  it('prints a secret, or writes it for its owner alone', async () => {
    const { out } = await keygen('--psk');
    expect(out).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    const path = join(folder.path, 'shared');
    const written = await keygen('--psk', path);
    expect(mode(path)).toBe(0o600);
    expect(written.out).not.toContain(readFileSync(path, 'utf8').trim());
    await expect(loadPsk({ file: path })).resolves.toBeDefined();
    expect((await keygen('--psk', path)).code).toBe(73);
  });
});
