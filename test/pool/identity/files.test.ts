import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkIdentity, generateIdentity, loadIdentity } from '../../../src/pool/identity/identity.js';
import { checkPeers, loadPeers } from '../../../src/pool/identity/peers.js';
import { checkPsk, loadPsk } from '../../../src/pool/identity/pre-shared-key.js';
import { publicKeyLine } from '../../../src/base/public-key.js';
import { TEST_1, TEST_2, PSK_BYTES } from '../../poolnode/protocol/authentication/credentials.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pool-ts-identity-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function file(text: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `file-${count++}`);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
}

const refuses = async (promise: Promise<unknown>, why: RegExp, code = 'ERR_INVALID_ARG_VALUE') =>
  expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(why) as string });

const never = { signal: new AbortController().signal };
const line = ({ publicKey }: { publicKey: Uint8Array }, comment?: string) =>
  publicKeyLine({ bytes: publicKey, comment });

describe('an identity', () => {
  const { privateKey, pem, line: publicLine, fingerprint } = generateIdentity({ comment: 'a test' });

  it('is made, and read from a key, PEM text, a URL and a file', async () => {
    const path = file(pem);
    const forms = [privateKey, pem, pathToFileURL(path), { file: path }, { file: pathToFileURL(path) }];
    const loaded = await Promise.all(forms.map((form) => loadIdentity(checkIdentity(form))));
    expect(new Set(loaded.map(({ publicKey }) => line({ publicKey }, 'a test')))).toEqual(new Set([publicLine]));
    expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it.each([
    ['readable by others', () => file(pem, 0o644), /mode is 0644.*chmod 600/],
    ['readable by the group', () => file(pem, 0o640), /mode is 0640/],
    ['a folder', () => (mkdirSync(join(folder, 'sub')), join(folder, 'sub')), /no regular file/],
    ['a FIFO', () => (execFileSync('mkfifo', [join(folder, 'fifo')]), join(folder, 'fifo')), /no regular file/],
    ['too large', () => file('x'.repeat(70_000)), /70000 bytes/],
    ['empty', () => file(''), /no PEM text/],
    ['damaged', () => file(pem.replace(/MC4/, 'MC5')), /damaged/],
  ])('is refused where its file is %s', async (_, make, why) => {
    const path = make();
    await refuses(loadIdentity({ file: path }), why);
    await refuses(loadIdentity({ file: path }), new RegExp(path));
  });

  it('is refused where there is no file', async () =>
    refuses(loadIdentity({ file: join(folder, 'none') }), /none/, 'ENOENT'));

  it.each([
    [
      'encrypted',
      generateKeyPairSync('ed25519')
        .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
      /openssl pkey/,
    ],
    ['OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----\n', /ssh-keygen -p/],
    ['two blocks', pem + pem, /one PRIVATE KEY/],
    [
      'a public key',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      /PRIVATE KEY/,
    ],
    ['Ed448', generateKeyPairSync('ed448').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /ed448/],
  ])('is refused where it is %s', (_, text, why) => {
    expect(() => checkIdentity(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(why) as string }),
    );
  });

  it.each([1, null, {}, [], new URL('http://host/key'), { file: 5 }, { file: '' }])('is not %j', (value) => {
    expect(() => checkIdentity(value)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_INVALID_ARG/) as string }),
    );
  });

  it.each(['two\nlines', 'x'.repeat(257)])('has no comment %j', (comment) => {
    expect(() => generateIdentity({ comment })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('peers', () => {
  const warnings: string[] = [];
  const load = (value: unknown) => loadPeers(checkPeers(value), (message) => warnings.push(message));

  it('are admitted from a list, and from it alone', async () => {
    const peers = await load([line(TEST_1, 'one')]);
    expect(await peers.admit(TEST_1.publicKey, never)).toMatchObject({ comment: 'one' });
    expect(await peers.admit(TEST_2.publicKey, never)).toBeNull();
  });

  it('are compared whole: a key that shares 31 bytes is another one', async () => {
    const peers = await load([line(TEST_1)]);
    for (const at of [0, 31]) {
      const near = TEST_1.publicKey.map((byte, index) => (index === at ? byte ^ 0x40 : byte));
      expect(await peers.admit(near, never)).toBeNull();
    }
  });

  it('are admitted from a file in the form of authorized_keys', async () => {
    warnings.length = 0;
    const text = [
      '# who may come',
      '',
      `  ${line(TEST_1, 'one')}\r`,
      'ssh-rsa AAAAB3NzaC1yc2E= old',
      `from="10.0.0.1,\\"x\\" y" ${line(TEST_2)}`,
      `cert-authority ${line(TEST_2)}`,
      'sk-ssh-ed25519@openssh.com AAAA sk',
    ].join('\n');
    const path = file(text, 0o644);
    const peers = await load({ file: path });
    expect(await peers.admit(TEST_1.publicKey, never)).toMatchObject({ comment: 'one' });
    expect(await peers.admit(TEST_2.publicKey, never)).toBeNull();
    expect(warnings.map((text) => /line (\d)/.exec(text)?.[1])).toEqual(['4', '5', '6', '7']);
  });

  it.each([
    [`${line(TEST_1)}\nssh-ed25519 AAAA cut`, /line 2: it has no ssh-ed25519 key/],
    [`from="10.0.0.1 ${line(TEST_1)}`, /line 1: its quotes are not closed/],
    [line({ publicKey: new Uint8Array(32) }), /line 1: it is no usable/],
    [`ssh-ed25519 ${'A'.repeat(9000)}`, /line 1: it is longer/],
  ])('of a file with a bad line are refused', async (text, why) => refuses(load({ file: file(text) }), why));

  it.each([0o666, 0o620])('of a file with mode %i are refused', async (mode) => {
    await refuses(load({ file: file(line(TEST_1), mode) }), /others can add keys/);
  });

  it('are out with the next decision after the file lost them, and all are while it can not be read', async () => {
    const path = file(`${line(TEST_1)}\n${line(TEST_2)}\n`);
    const peers = await load(pathToFileURL(path));
    expect(await peers.admit(TEST_2.publicKey, never)).not.toBeNull();
    writeFileSync(path, `${line(TEST_1)}\n`);
    expect(await peers.admit(TEST_2.publicKey, never)).toBeNull();
    expect(await peers.admit(TEST_1.publicKey, never)).not.toBeNull();
    rmSync(path);
    warnings.length = 0;
    expect(await peers.admit(TEST_1.publicKey, never)).toBeNull();
    expect(warnings).toEqual([expect.stringMatching(/every peer is refused/)]);
  });

  it.each([
    ['true', () => true, true],
    ['a promise of true', () => Promise.resolve(true), true],
    ['false', () => false, false],
    ['1', () => 1, false],
    ['a rejection', () => Promise.reject(new Error('no')), false],
    [
      'a throw',
      () => {
        throw new Error('no');
      },
      false,
    ],
    ['nothing', () => undefined, false],
  ])('who are asked of a function that gives %s', async (_, answer, admitted) => {
    const asked: string[] = [];
    const peers = await load((key: { fingerprint: string }) => {
      asked.push(key.fingerprint);
      return answer();
    });
    expect((await peers.admit(TEST_1.publicKey, never)) !== null).toBe(admitted);
    expect(asked).toHaveLength(1);
  });

  it.each([[[]], [['ssh-rsa x']], [[1]], 1, null, 'anyone', {}])('are not %j', (value) => {
    expect(() => checkPeers(value)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_INVALID_ARG/) as string }),
    );
  });
});

describe('a pre-shared key', () => {
  it('is read from bytes and from a file, and gives the same keys', async () => {
    const path = file(`${Buffer.from(PSK_BYTES).toString('base64')}\n`);
    const [one, other] = await Promise.all([loadPsk(checkPsk(PSK_BYTES)), loadPsk(checkPsk({ file: path }))]);
    expect(one.derive(new Uint8Array(32), 'x')).toEqual(other.derive(new Uint8Array(32), 'x'));
  });

  it.each([
    ['31 bytes', PSK_BYTES.subarray(1), /31 bytes/],
    ['65 bytes', new Uint8Array(65).fill(7), /65 bytes/],
    ['zeros', new Uint8Array(32), /not random/],
    ['a passphrase', new Uint8Array(Buffer.from('correct horse battery staple 1234567')), /passphrase/],
  ])('is not %s', (_, bytes, why) => {
    expect(() => checkPsk(bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(why) as string }),
    );
  });

  it('is no text', () => {
    expect(() => checkPsk('secret')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  it.each([
    ['hex', 'ab'.repeat(32), /44 characters/],
    ['a line too many', `${Buffer.from(PSK_BYTES).toString('base64')}\nx`, /44 characters/],
  ])('is not a file of %s', async (_, text, why) => refuses(loadPsk({ file: file(text) }), why));

  it('is not a file that others may read', async () => {
    await refuses(loadPsk({ file: file(Buffer.from(PSK_BYTES).toString('base64'), 0o640) }), /others can read/);
  });
});
