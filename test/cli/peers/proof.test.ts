import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dialProof, listenProof } from '../../../src/cli/peers/proof.js';
import type { ProofFlags } from '../../../src/cli/peers/proof-flags.js';
import { keyFolder } from './key-files.js';

const folder = keyFolder();
afterAll(folder.remove);
const id = folder.identity('id');
const psk = folder.file('psk', `${randomBytes(32).toString('base64')}\n`);

const [identity, peers, pskFile] = [id.file, id.publicFile, psk];

describe('what a dial asks for', () => {
  it.each<[string, ProofFlags, Record<string, string>, object]>([
    ['nothing', {}, {}, { options: {} }],
    [
      'nothing, where variables are empty',
      {},
      { POOL_IDENTITY: '', POOL_PEERS: '', POOL_PSK_FILE: '' },
      { options: {} },
    ],
    ['a secret', { pskFile }, {}, { options: { psk: { file: psk } } }],
    ['a list', { peers }, {}, { options: { peers: { file: peers } } }],
    [
      'a list, with a key',
      { peers, identity },
      {},
      { options: { peers: { file: peers }, identity: { file: identity } } },
    ],
    ['known peers, with a key', { identity }, {}, { known: true, identity: { file: identity } }],
    ['known peers', { peers: 'known' }, {}, { known: true, identity: undefined }],
    ['what the environment has', {}, { POOL_IDENTITY: identity }, { known: true, identity: { file: identity } }],
    [
      'a flag, and the rest of the environment',
      { peers },
      { POOL_IDENTITY: identity, POOL_PEERS: 'known' },
      { options: { peers: { file: peers }, identity: { file: identity } } },
    ],
    [
      'a secret against keys of the environment',
      { pskFile },
      { POOL_IDENTITY: identity },
      { options: { psk: { file: psk } } },
    ],
    [
      'keys against a secret of the environment',
      { peers },
      { POOL_PSK_FILE: psk },
      { options: { peers: { file: peers } } },
    ],
    ['a secret of the environment', {}, { POOL_PSK_FILE: psk }, { options: { psk: { file: psk } } }],
  ])('%s', async (_, flags, env, expected) => {
    expect(await dialProof(flags, env)).toEqual(expected);
  });
});

describe('what a listener asks for', () => {
  it.each<[string, ProofFlags, Record<string, string>, object]>([
    ['nothing', {}, {}, {}],
    ['a secret', { pskFile }, {}, { psk: { file: psk } }],
    ['keys', { identity, peers }, {}, { identity: { file: identity }, peers: { file: peers } }],
    ['nobody in particular', { identity, peers: 'anyone' }, {}, { identity: { file: identity }, peers: 'anyone' }],
    [
      'what the environment has',
      {},
      { POOL_IDENTITY: identity, POOL_PEERS: 'anyone' },
      { identity: { file: identity }, peers: 'anyone' },
    ],
  ])('%s', async (_, flags, env, expected) => {
    expect(await listenProof(flags, env)).toEqual(expected);
  });
});

describe('what does not go together, or is no key', () => {
  const open = folder.file('open', id.pem, 0o644);
  const bad = folder.file('bad', `${id.line}\nssh-ed25519 AAAA\n`);
  const none = join(folder.path, 'none');

  it.each<[string, 'dial' | 'listen', ProofFlags, Record<string, string>, object]>([
    ['a secret and a key', 'dial', { pskFile, identity }, {}, { exitCode: 64, message: /^--psk-file goes without/ }],
    [
      'both in the environment',
      'dial',
      {},
      { POOL_PSK_FILE: psk, POOL_PEERS: peers },
      { exitCode: 64, message: /^POOL_PSK_FILE goes without/ },
    ],
    ["'anyone' for a dial", 'dial', { peers: 'anyone' }, {}, { exitCode: 64, message: /for listening/ }],
    ["'known' for a listener", 'listen', { identity, peers: 'known' }, {}, { exitCode: 64, message: /for dialling/ }],
    ['peers of a listener without a key', 'listen', { peers }, {}, { exitCode: 64, message: /wants --identity/ }],
    ['a key of a listener without peers', 'listen', { identity }, {}, { exitCode: 64, message: /wants --peers/ }],
    ['no such identity', 'dial', { identity: none }, {}, { exitCode: 66, message: /identity .*none/ }],
    ['no such list', 'listen', { identity, peers: none }, {}, { exitCode: 66, message: /peers .*none/ }],
    ['no such secret', 'dial', {}, { POOL_PSK_FILE: none }, { exitCode: 66, message: /psk .*none/ }],
    [
      'a key that others may read',
      'dial',
      { identity: open },
      {},
      { code: 'ERR_INVALID_ARG_VALUE', message: /open: its mode is 0644/ },
    ],
    ['a bad line', 'dial', { peers: bad }, {}, { code: 'ERR_INVALID_ARG_VALUE', message: /bad, line 2/ }],
    ['a public key for a private one', 'dial', { identity: id.publicFile }, {}, { code: 'ERR_INVALID_ARG_VALUE' }],
  ])('%s', async (_, what, flags, env, expected) => {
    await expect((what === 'dial' ? dialProof : listenProof)(flags, env)).rejects.toMatchObject(
      'message' in expected
        ? { ...expected, message: expect.stringMatching(expected.message as RegExp) as string }
        : expected,
    );
  });
});
