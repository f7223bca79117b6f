import { createPrivateKey, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { generateIdentity, PoolError } from '../../src/index.js';
import { keyMaterialIn } from './key-material.js';
import { watchErrors } from './watch-errors.js';

const secret = randomBytes(32);

describe('key material in a text', () => {
  it.each([
    ['hex', secret.toString('hex')],
    ['half of it', `the key ${secret.toString('hex', 0, 16)} is wrong`],
    ['capitals', secret.toString('hex').toUpperCase()],
    ['pairs', secret.toString('hex').replace(/..(?=.)/g, '$& ')],
    ['base64', `Aa1${secret.toString('base64')}`],
    ['base64url', `Aa1${secret.toString('base64url').replaceAll('-', '_')}`],
    ['numbers', [...secret].join(', ')],
    ['numbers without spaces', [...secret].join(',')],
    ['a Buffer', inspect({ secret })],
    ['a Uint8Array', inspect({ secret: new Uint8Array(secret) })],
    ['an ArrayBuffer', inspect(new Uint8Array(secret).buffer)],
    ['a KeyObject', inspect(createSecretKey(secret))],
    ['a private KeyObject', inspect(createPrivateKey(generateIdentity().pem))],
    ['PEM', generateIdentity().pem],
  ])('is found as %s', (_as, text) => {
    expect(keyMaterialIn(text)).not.toBeNull();
  });

  it.each([
    ['a fingerprint', generateIdentity().fingerprint],
    ['a public line', `${generateIdentity({ comment: 'ann' }).line} is in no list`],
    ['a path', 'ENOENT: /tmp/pool-ts-Xy12AbCdEfGhIjKlMnOpQr/identity1 is missing'],
    ['a stack', new Error('no').stack!],
    ['what is said of a connection', 'dial pool [fe80::1%eth0]:9253: the peer is lost: it was silent for 20000 ms'],
    ['an error of the system', inspect(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { errno: -111 }))],
  ])('is not what %s is', (_as, text) => {
    expect(keyMaterialIn(text)).toBeNull();
  });
});

/** As PoolError is made. PoolError itself is watched in this file as in each other, and would fail it. */
class Failure extends Error {
  constructor(message: string, details: object = {}) {
    super(message, details);
    Object.assign(this, details);
  }
}

describe('every error of a class', () => {
  it('is searched once it is whole: message, properties and causes', async () => {
    const found: string[] = [];
    const watch = watchErrors(Failure, (what) => found.push(what));
    new Failure(`the tag ${secret.toString('hex')} is wrong`);
    Object.assign(new Failure('wrong'), { secret });
    new Failure('closed', { cause: new Error(`Aa1${secret.toString('base64')}`) });
    const harmless = new Failure('too late', { port: 9253 });
    await Promise.resolve();
    watch.stop();
    new Failure(secret.toString('hex'));
    await Promise.resolve();
    expect(found.map((what) => what.split(':')[0])).toEqual(['hex', 'hex', 'base64']);
    expect(harmless).toMatchObject({ message: 'too late', port: 9253 });
    expect(harmless).toBeInstanceOf(Failure);
    expect(harmless.stack).toContain('key-material.test');
  });

  it('has PoolError among them, in each file', () => {
    expect(Object.getPrototypeOf(PoolError)).not.toBe(Error);
  });
});
