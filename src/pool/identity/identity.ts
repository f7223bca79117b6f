/** The identity of a node: an Ed25519 private key, which signs and is never shown. */
import type { KeyObject } from 'node:crypto';
import { checkString } from '../../base/arguments.js';
import { cryptoModule } from '../../base/builtin.js';
import { PoolError } from '../../base/errors.js';
import { fileOf, readKeyFile } from './key-file.js';
import { type PublicKey, publicKeyLine, publicKeyOf, rawPublicKey } from '../../base/public-key.js';

/** What `options.identity` takes: a private KeyObject of Ed25519, PEM text, or a file with PEM text in it. */
export type IdentityInput = KeyObject | string | URL | { readonly file: string | URL };

/** An identity that is ready to sign. */
export interface LoadedIdentity {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
  sign(message: Uint8Array): Uint8Array;
}

const MAX_FILE_BYTES = 65_536;

/** What a new identity consists of. */
export interface GeneratedIdentity {
  /** For `options.identity`. */
  readonly privateKey: KeyObject;
  /** For the peer's `options.peers`. */
  readonly publicKey: KeyObject;
  /** The private key as PKCS #8 in PEM: what a file of it holds. */
  readonly pem: string;
  /** The public key as one line of ssh: `ssh-ed25519 AAAA... comment`. */
  readonly line: string;
  /** `SHA256:...`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/**
 * Makes a new identity: an Ed25519 key pair. Files of it are the program's to write, or `pool-ts keygen`'s.
 * @param options.comment stands behind the key in `line`: who or what has it, without control characters, to 256 characters
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for a comment that is none
 */
export function generateIdentity(options: { comment?: string | undefined } = {}): GeneratedIdentity {
  const comment = options.comment === undefined ? undefined : checkString('options.comment', options.comment);
  if (comment !== undefined && (comment.length > 256 || /[\u0000-\u001f\u007f-\u009f]/.test(comment))) {
    throw new PoolError('ERR_INVALID_ARG_VALUE', 'options.comment has at most 256 characters, and no line ends in it');
  }
  const { privateKey, publicKey } = cryptoModule().generateKeyPairSync('ed25519');
  const shown: PublicKey = publicKeyOf(rawPublicKey(publicKey), comment === '' ? undefined : comment);
  return {
    privateKey,
    publicKey,
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    line: publicKeyLine(shown),
    fingerprint: shown.fingerprint,
  };
}

/** Whether it is what `options.identity` takes, without reading a file. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function checkIdentity(value: unknown): IdentityInput {
  if (typeof value === 'string') identityOfPem(value, 'options.identity');
  else if (value instanceof cryptoModule().KeyObject) identityOfKey(value, 'options.identity');
  else if (fileOf(value, 'identity') === undefined) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', 'options.identity is a KeyObject, PEM text, a file: URL or { file }');
  }
  return value as IdentityInput;
}

/** @throws PoolError ERR_INVALID_ARG_VALUE with what is wrong with the key or its file; the errno name where it can't be read */
export async function loadIdentity(input: IdentityInput): Promise<LoadedIdentity> {
  const given = givenIdentity(input);
  if (given !== undefined) return given;
  const path = fileOf(input, 'identity')!;
  const { text } = await readKeyFile(path, 'identity', 'secret', MAX_FILE_BYTES);
  return identityOfPem(text, `identity ${path}:`);
}

/** As {@link loadIdentity}, at once; undefined where it is in a file. */
export function givenIdentity(input: IdentityInput): LoadedIdentity | undefined {
  if (typeof input === 'string') return identityOfPem(input, 'options.identity');
  return input instanceof cryptoModule().KeyObject ? identityOfKey(input, 'options.identity') : undefined;
}

function identityOfPem(text: string, where: string): LoadedIdentity {
  const wrong = (why: string): PoolError => new PoolError('ERR_INVALID_ARG_VALUE', `${where} ${why}`);
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, label]) => label);
  const [label] = labels;
  if (label === 'ENCRYPTED PRIVATE KEY') {
    throw wrong(
      'is encrypted, and nobody is here to ask for its passphrase: openssl pkey -in OLD -out NEW, mode 0600, takes it off',
    );
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    throw wrong(
      "has OpenSSH's own form: make a key with pool-ts keygen, or let ssh-keygen -p -m PKCS8 -f FILE convert it",
    );
  }
  if (labels.length !== 1 || label !== 'PRIVATE KEY') {
    throw wrong('is no PEM text of one PRIVATE KEY, as pool-ts keygen writes it');
  }
  let key: KeyObject;
  try {
    key = cryptoModule().createPrivateKey(text);
  } catch {
    // No cause: OpenSSL's words mislead here, and might quote the text.
    throw wrong('has a PRIVATE KEY block that can not be read: it is damaged');
  }
  return identityOfKey(key, where);
}

/** By key object: its public half costs more to find out than a dial should pay each time. */
const loaded = new WeakMap<KeyObject, LoadedIdentity>();

function identityOfKey(key: KeyObject, where: string): LoadedIdentity {
  const before = loaded.get(key);
  if (before !== undefined) return before;
  const wrong = (why: string): PoolError => new PoolError('ERR_INVALID_ARG_VALUE', `${where} ${why}`);
  if (key.type !== 'private') throw wrong(`is a ${key.type} key, not a private one`);
  if (key.asymmetricKeyType !== 'ed25519') throw wrong(`is a key of ${key.asymmetricKeyType}, not of ed25519`);
  const identity = {
    publicKey: rawPublicKey(key),
    privateKey: key,
    sign: (message: Uint8Array) => new Uint8Array(cryptoModule().sign(null, message, key)),
  };
  loaded.set(key, identity);
  return identity;
}
