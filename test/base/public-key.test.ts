import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  parsePublicKeyLine,
  parsePublicKeyPem,
  publicKeyLine,
  publicKeyOf,
  readPublicKey,
} from '../../src/base/public-key.js';
import { TEST_1, TEST_2 } from '../poolnode/protocol/authentication/credentials.js';

/** RFC 8032's TEST 1, as ssh-keygen writes it and prints its fingerprint. */
const LINE = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea';

describe('a public key line', () => {
  it('is ssh-keygen’s', () => {
    expect(publicKeyLine({ bytes: TEST_1.publicKey, comment: undefined })).toBe(LINE);
    expect(parsePublicKeyLine(LINE).bytes).toEqual(TEST_1.publicKey);
    expect(parsePublicKeyLine(LINE).fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it.each([
    [`${LINE} ann@laptop`, 'ann@laptop'],
    [`  ${LINE}\t two  words `, 'two  words'],
    [LINE, undefined],
    [`${LINE} evil\u001b[2J`, 'evil[2J'],
    [`${LINE} ${'x'.repeat(300)}`, 'x'.repeat(256)],
  ])('%j has the comment %j', (line, comment) => expect(parsePublicKeyLine(line).comment).toBe(comment));

  it.each([
    ['', /no ssh-ed25519 line/],
    ['ssh-rsa AAAA', /no ssh-ed25519 line/],
    ['ssh-ed25519', /68 characters/],
    [LINE.slice(0, -1), /68 characters/],
    [`${LINE.slice(0, 40)}!${LINE.slice(41)}`, /68 characters/],
    [LINE.replace('AAAAC3', 'AAAAC4'), /another key/],
    [publicKeyLine({ bytes: new Uint8Array(32), comment: undefined }), /no usable/],
  ])('%j is refused', (line, why) => {
    expect(() => parsePublicKeyLine(line)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(why) as string }),
    );
  });
});

describe('PEM', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it('is read', () => {
    expect(readPublicKey(pem).bytes).toEqual(readPublicKey(publicKey).bytes);
    expect(parsePublicKeyPem(pem.replaceAll('\n', '\r\n')).bytes).toEqual(readPublicKey(publicKey).bytes);
  });

  it.each([
    ['two blocks', pem + pem],
    ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['text behind it', `${pem}x`],
    ['another algorithm', generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    [
      'trailing bytes',
      pem.replace(
        /([A-Za-z0-9+/]+=*)\n-----END/,
        (_, b: string) => `${Buffer.concat([Buffer.from(b, 'base64'), Buffer.of(1)]).toString('base64')}\n-----END`,
      ),
    ],
  ])('with %s is refused', (_, text) => {
    expect(() => readPublicKey(text)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('a KeyObject', () => {
  it.each([
    ['a private key', generateKeyPairSync('ed25519').privateKey],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
    ['Ed448', generateKeyPairSync('ed448').publicKey],
  ])('of %s is refused', (_, key) => {
    expect(() => readPublicKey(key)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each([1, null, undefined, {}, new Uint8Array(32)])('is not %j', (value) => {
    expect(() => readPublicKey(value)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

it('keys of 32 bytes are points, or refused', () => {
  expect(publicKeyOf(TEST_2.publicKey).bytes).toEqual(TEST_2.publicKey);
  expect(() => publicKeyOf(new Uint8Array(31))).toThrow(/no usable/);
});
