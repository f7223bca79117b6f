/** A secret that both sides were given beforehand: random bytes, not a passphrase, which could be guessed offline. */
import type { KeyObject } from 'node:crypto';
import { cryptoModule } from '../../base/builtin.js';
import { bytesOf, type BytesInput } from '../../base/bytes.js';
import { PoolError } from '../../base/errors.js';
import { fileOf, readKeyFile } from './key-file.js';

/** What `options.psk` takes: 32 to 64 random bytes, a secret KeyObject of them, or a file with 32 in base64, as `wg genpsk` makes. */
export type PskInput = BytesInput | KeyObject | URL | { readonly file: string | URL };

/** A secret that keys can be derived of. */
export interface LoadedPsk {
  derive(salt: Uint8Array, info: string): Uint8Array;
}

const MIN_BYTES = 32;
const MAX_BYTES = 64;
/** Random 32 bytes have fewer than this about once in 10^13. */
const MIN_DISTINCT = 16;
const MAX_FILE_BYTES = 1024;

/** Whether it is what `options.psk` takes, without reading a file. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function checkPsk(value: unknown): PskInput {
  const bytes = bytesOf(value);
  if (bytes !== null) check(bytes, 'options.psk');
  else if (value instanceof cryptoModule().KeyObject) check(secretOf(value), 'options.psk');
  else if (typeof value === 'string') {
    throw new PoolError(
      'ERR_INVALID_ARG_TYPE',
      'options.psk is bytes, a secret KeyObject, a file: URL or { file }: no text',
    );
  } else if (fileOf(value, 'psk') === undefined) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', 'options.psk is bytes, a secret KeyObject, a file: URL or { file }');
  }
  return value as PskInput;
}

/** @throws PoolError ERR_INVALID_ARG_VALUE with what is wrong with it or its file; the errno name where it can't be read */
export async function loadPsk(input: PskInput): Promise<LoadedPsk> {
  const given = bytesOf(input);
  if (given !== null) return psk(check(given, 'options.psk'));
  if (input instanceof cryptoModule().KeyObject) return psk(check(secretOf(input), 'options.psk'));
  const path = fileOf(input, 'psk')!;
  const { text } = await readKeyFile(path, 'psk', 'secret', MAX_FILE_BYTES);
  const base64 = text.trim();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(base64)) {
    throw new PoolError(
      'ERR_INVALID_ARG_VALUE',
      `psk ${path}: it is 44 characters of base64, as pool-ts keygen --psk and wg genpsk write them`,
    );
  }
  const bytes = Buffer.from(base64, 'base64');
  return psk(check(Uint8Array.from(bytes), `psk ${path}:`));
}

function psk(bytes: Uint8Array): LoadedPsk {
  const key = cryptoModule().createSecretKey(bytes);
  return { derive: (salt, info) => new Uint8Array(cryptoModule().hkdfSync('sha256', key, salt, info, 32)) };
}

function secretOf(key: KeyObject): Uint8Array {
  if (key.type !== 'secret') {
    throw new PoolError('ERR_INVALID_ARG_VALUE', `options.psk is a ${key.type} key, not a secret one`);
  }
  return new Uint8Array(key.export());
}

function check(bytes: Uint8Array, where: string): Uint8Array {
  const wrong = (why: string): PoolError => new PoolError('ERR_INVALID_ARG_VALUE', `${where} ${why}`);
  if (bytes.length < MIN_BYTES || bytes.length > MAX_BYTES) {
    throw wrong(`has ${bytes.length} bytes; ${MIN_BYTES} to ${MAX_BYTES} random ones are wanted`);
  }
  if (new Set(bytes).size < MIN_DISTINCT) throw wrong('is not random: it has few different bytes');
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    throw wrong('is text: a passphrase can be guessed; pool-ts keygen --psk makes a key');
  }
  return bytes;
}
