/** Public keys of peers: the line that ssh has for them, PEM, and the fingerprint that people compare. */
import type { KeyObject } from 'node:crypto';
import { cryptoModule } from './builtin.js';
import { isUsableKey } from './ed25519-key.js';
import { PoolError } from './errors.js';

/** A public key as programs meet it. */
export interface PublicKey {
  /** Ed25519, public. */
  readonly key: KeyObject;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** `SHA256:` and base64 without padding of the SHA-256 of the key in SSH's encoding, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** What stands behind the key in the line that it came from: our own file's or program's word, never the peer's. */
  readonly comment: string | undefined;
}

const TYPE = 'ssh-ed25519';
/** What stands before the key in SSH's encoding (RFC 8709, section 4): the length of the type, the type, the key's length. */
const BLOB_PREFIX = Buffer.from(`0000000b${Buffer.from(TYPE).toString('hex')}00000020`, 'hex');
/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in DER. */
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const LONGEST_COMMENT = 256;

/** A key of 32 bytes. @throws PoolError ERR_INVALID_ARG_VALUE for one of small order, or that is no point of the curve */
export function publicKeyOf(bytes: Uint8Array, comment?: string): PublicKey {
  if (!isUsableKey(bytes))
    throw invalid('is no usable Ed25519 key: it is no canonical one, or one that every signature fits');
  let key: KeyObject;
  try {
    // As JWK: ten times faster than DER.
    const x = Buffer.from(bytes).toString('base64url');
    key = cryptoModule().createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch (cause) {
    throw invalid('is no Ed25519 key', cause);
  }
  return Object.freeze({ key, bytes: Uint8Array.from(bytes), fingerprint: fingerprintOf(bytes), comment });
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(bytes: Uint8Array): string {
  const digest = cryptoModule().createHash('sha256').update(BLOB_PREFIX).update(bytes).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** The key as one line, without a line end: `ssh-ed25519 AAAA... comment`. */
export function publicKeyLine({ bytes, comment }: Pick<PublicKey, 'bytes' | 'comment'>): string {
  const blob = Buffer.concat([BLOB_PREFIX, bytes]).toString('base64');
  return comment === undefined ? `${TYPE} ${blob}` : `${TYPE} ${blob} ${comment}`;
}

/**
 * Reads `ssh-ed25519 AAAA... comment`; leading blanks are dropped.
 * @throws PoolError ERR_INVALID_ARG_VALUE, with a message that goes on after the name of what was read
 */
export function parsePublicKeyLine(line: string): PublicKey {
  const [type, base64 = '', comment] = splitLine(line.trimStart());
  if (type !== TYPE) throw invalid(`is no ${TYPE} line; a line is: ${TYPE}, the key in base64, a comment`);
  // Matched first: Node's decoder skips what is no base64.
  if (!/^[A-Za-z0-9+/]{68}$/.test(base64)) throw invalid(`has no ${TYPE} key: that is 68 characters of base64`);
  const blob = Buffer.from(base64, 'base64');
  if (!blob.subarray(0, BLOB_PREFIX.length).equals(BLOB_PREFIX))
    throw invalid(`says ${TYPE}, and its base64 is another key`);
  return publicKeyOf(Uint8Array.from(blob.subarray(BLOB_PREFIX.length)), comment);
}

/** Type, base64 and comment; a comment without control characters, cut to 256. */
function splitLine(line: string): [type: string, base64: string | undefined, comment: string | undefined] {
  const [, type = '', base64, rest = ''] = /^(\S*)[ \t]*(\S*)[ \t]*(.*)$/s.exec(line) ?? [];

  const comment = rest
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '')
    .trim()
    .slice(0, LONGEST_COMMENT);
  return [type, base64, comment === '' ? undefined : comment];
}

/** Reads one PEM block PUBLIC KEY with an Ed25519 key in it, and nothing else. @throws PoolError ERR_INVALID_ARG_VALUE */
export function parsePublicKeyPem(text: string): PublicKey {
  // Not createPublicKey: it takes a private key, a second block and trailing bytes as well.
  const match = /^\s*-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----\s*$/.exec(text);
  if (match === null) throw invalid('is no PEM text of one public key');
  const der = Buffer.from(match[1]!, 'base64');
  if (der.length !== DER_PREFIX.length + 32 || !der.subarray(0, DER_PREFIX.length).equals(DER_PREFIX)) {
    throw invalid('is a public key, but none of Ed25519');
  }
  return publicKeyOf(Uint8Array.from(der.subarray(DER_PREFIX.length)));
}

/** What was read lately, by its text: a list of peers is read for each of many dials. It holds nothing secret. */
const readTexts = new Map<string, PublicKey>();
const MOST_TEXTS = 256;
const readKeys = new WeakMap<KeyObject, PublicKey>();

/** Takes a KeyObject, a line or PEM text. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function readPublicKey(value: unknown): PublicKey {
  if (typeof value === 'string') {
    const before = readTexts.get(value);
    if (before !== undefined) return before;
    const key = value.includes('-----BEGIN') ? parsePublicKeyPem(value) : parsePublicKeyLine(value);
    if (readTexts.size >= MOST_TEXTS) readTexts.clear();
    readTexts.set(value, key);
    return key;
  }
  if (!(value instanceof cryptoModule().KeyObject)) {
    throw new PoolError(
      'ERR_INVALID_ARG_TYPE',
      `is a KeyObject, a line "${TYPE} ..." or PEM text, not ${typeof value}`,
    );
  }
  if (value.type !== 'public') throw invalid(`is a ${value.type} key, not a public one`);
  if (value.asymmetricKeyType !== 'ed25519') throw invalid(`is a key of ${value.asymmetricKeyType}, not of ed25519`);
  const known = readKeys.get(value) ?? publicKeyOf(rawPublicKey(value));
  readKeys.set(value, known);
  return known;
}

/** The 32 bytes of an Ed25519 key, public or private. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const { x } = (key.type === 'private' ? cryptoModule().createPublicKey(key) : key).export({ format: 'jwk' });
  return Uint8Array.from(Buffer.from(x!, 'base64url'));
}

function invalid(what: string, cause?: unknown): PoolError {
  return new PoolError('ERR_INVALID_ARG_VALUE', what, { cause });
}
