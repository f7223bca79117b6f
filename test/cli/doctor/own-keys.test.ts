import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keyFiles } from '../../../src/cli/doctor/own-keys.js';
import type { ProofFlags } from '../../../src/cli/peers/proof-flags.js';
import { keyFolder } from '../peers/key-files.js';

const folder = keyFolder();
afterAll(() => folder.remove());
const id = folder.identity('id');
const nowhere = { XDG_CONFIG_HOME: join(folder.path, 'nowhere') };

async function findings(flags: ProofFlags, env: Record<string, string> = nowhere, backend: 'user' | 'kernel' = 'user') {
  return (await keyFiles(flags, env, backend)).map(({ check, status, says }) => ({ check, status, says }));
}

describe('pool-ts doctor, of files of keys', () => {
  it('says nothing where none is named', async () => {
    expect(await findings({})).toEqual([]);
  });

  it('tells the fingerprint of an identity, and how many keys a list has', async () => {
    const peers = folder.file('peers', `# friends\n${id.line}\n`);
    expect(await findings({ identity: id.file }, { ...nowhere, POOL_PEERS: peers })).toEqual([
      { check: 'identity', status: 'ok', says: `${id.file}: ${id.fingerprint}` },
      { check: 'peers', status: 'ok', says: `${peers}: 1 key` },
    ]);
  });

  it.each<[string, () => ProofFlags, string, string, RegExp]>([
    [
      'a key that others may read',
      () => ({ identity: folder.file('open', id.pem, 0o644) }),
      'identity',
      'fail',
      /mode is 0644.*chmod 600/,
    ],
    ['a key that is missing', () => ({ identity: join(folder.path, 'none') }), 'identity', 'fail', /none.*ENOENT/],
    [
      'a bad line',
      () => ({ peers: folder.file('bad', `${id.line}\n\nssh-ed25519 AAAA x`) }),
      'peers',
      'fail',
      /line 3/,
    ],
    [
      'lines that admit nobody',
      () => ({ peers: folder.file('old', `${id.line}\nssh-rsa AAAA x`) }),
      'peers',
      'warn',
      /1 key; line 2: a key of type ssh-rsa/,
    ],
    ['a list without a key', () => ({ peers: folder.file('empty', '# nobody') }), 'peers', 'fail', /nobody is let in/],
    ['a secret that is none', () => ({ pskFile: folder.file('short', 'AAAA') }), 'psk', 'fail', /44 characters/],
  ])('finds %s', async (_, flags, check, status, says) => {
    expect(await findings(flags())).toEqual([{ check, status, says: expect.stringMatching(says) as string }]);
  });

  it('finds a public key beside a private one that it does not belong to', async () => {
    const [one, other] = [folder.identity('one'), folder.identity('other')];
    folder.file('one.pub', `${other.line}\n`);
    expect(await findings({ identity: one.file })).toEqual([
      {
        check: 'identity',
        status: 'warn',
        says: `${one.file}: ${one.fingerprint}, and ${one.file}.pub is ${other.fingerprint}`,
      },
    ]);
  });

  it('counts the peers that this user has met, and finds a line that is none', async () => {
    const home = join(folder.path, 'home');
    mkdirSync(join(home, 'pool-ts'), { recursive: true });
    const file = join(home, 'pool-ts', 'known_peers');
    writeFileSync(file, `[host]:9253 ${id.line}\n[::1]:1 ${id.line}\n`, { mode: 0o600 });
    const env = { XDG_CONFIG_HOME: home };
    expect(await findings({}, env)).toEqual([{ check: 'known peers', status: 'ok', says: `${file}: 2 peers` }]);
    writeFileSync(file, `host ${id.line}\n`);
    expect(await findings({}, env)).toMatchObject([
      { status: 'fail', says: expect.stringMatching(/line 1/) as string },
    ]);
  });

  it('finds kinds that do not go together, and a backend that can ask nobody', async () => {
    const psk = folder.file('psk', `${randomBytes(32).toString('base64')}\n`);
    expect(await findings({}, { ...nowhere, POOL_PSK_FILE: psk, POOL_IDENTITY: id.file })).toMatchObject([
      { check: 'proofs', status: 'fail' },
    ]);
    expect(await findings({ pskFile: psk }, nowhere, 'kernel')).toMatchObject([
      { check: 'psk', status: 'ok' },
      { check: 'proofs', status: 'fail', says: expect.stringMatching(/kernel backend/) as string },
    ]);
  });
});
