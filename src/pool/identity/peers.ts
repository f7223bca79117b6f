/** Whom a node talks to: an allow list of keys, in a list, in a file, or asked of the program. */
import type { KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { PoolError } from '../../base/errors.js';
import type { AdmitPeer } from '../../poolnode/types.js';
import { fileOf, readKeyFile } from './key-file.js';
import { MAX_PEERS_FILE_BYTES, parsePeersFile, type SkippedLine } from './peers-file.js';
import { type PublicKey, publicKeyOf, readPublicKey } from '../../base/public-key.js';

/**
 * Decides about a peer whose key is proven: true admits it, and everything else refuses it: another value, a throw, or no
 * answer in time. Asked once a session, and never with a key that its peer didn't prove.
 *
 * It must be an allow list: one secret can sign for several encodings of a key, so a list of those to refuse is evaded.
 */
export type PeersFunction = (key: PublicKey, options: { signal: AbortSignal }) => boolean | Promise<boolean>;

/** What `options.peers` takes: keys (KeyObject, ssh line or PEM), a file of ssh lines, or a function. */
export type PeersInput = readonly (KeyObject | string)[] | URL | { readonly file: string | URL } | PeersFunction;

/** An allow list that is ready to be asked. */
export interface Peers {
  /** The key as our own list has it, with its comment, where it is admitted; null where it is refused. Never rejects. */
  readonly admit: AdmitPeer;
}

/** Called with lines of a file that admit nobody (once is enough, however often it is read), and with a file that can't be read any more. */
export type PeersWarning = (message: string, options?: { once: true }) => void;

/** Whether it is what `options.peers` takes, without reading a file. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function checkPeers(value: unknown): PeersInput {
  if (typeof value === 'function') return value as PeersFunction;
  if (Array.isArray(value)) keysOf(value);
  else if (fileOf(value, 'peers') === undefined) {
    throw new PoolError(
      'ERR_INVALID_ARG_TYPE',
      'options.peers is an array of public keys, a file: URL, { file } or a function of a key',
    );
  }
  return value as PeersInput;
}

/** @throws PoolError ERR_INVALID_ARG_VALUE with file and line; the errno name where a file can't be read */
export async function loadPeers(input: PeersInput, warn: PeersWarning): Promise<Peers> {
  const given = givenPeers(input);
  if (given !== undefined) return given;
  const file = new FileOfPeers(fileOf(input, 'peers')!, warn);
  await file.read();
  return file;
}

/** As {@link loadPeers}, at once; undefined where they are in a file. */
export function givenPeers(input: PeersInput): Peers | undefined {
  if (typeof input === 'function') return askedPeers(input);
  return Array.isArray(input) ? listedPeers(keysOf(input)) : undefined;
}

function keysOf(values: readonly unknown[]): PublicKey[] {
  if (values.length === 0)
    throw new PoolError('ERR_INVALID_ARG_VALUE', 'options.peers is empty: it would refuse everybody');
  return Array.from(values, (value, at) => {
    try {
      return readPublicKey(value);
    } catch (error) {
      const { code, message } = error as PoolError;
      throw new PoolError(code, `options.peers[${at}] ${message}`);
    }
  });
}

function askedPeers(ask: PeersFunction): Peers {
  return {
    async admit(publicKey, { signal }) {
      const key = publicKeyOf(publicKey);
      try {
        return (await ask(key, { signal })) === true ? key : null;
      } catch {
        return null;
      }
    },
  };
}

function listedPeers(keys: readonly PublicKey[]): Peers {
  return { admit: (publicKey) => find(keys, publicKey) };
}

/** Keys are compared whole. */
function find(keys: readonly PublicKey[], publicKey: Uint8Array): PublicKey | null {
  return keys.find(({ bytes }) => Buffer.compare(bytes, publicKey) === 0) ?? null;
}

/** A file is read again for each decision that comes after it changed, so that a key taken out of it is out. */
class FileOfPeers implements Peers {
  readonly #path: string;
  readonly #warn: PeersWarning;
  #version = '';
  #keys: readonly PublicKey[] = [];

  constructor(path: string, warn: PeersWarning) {
    this.#path = path;
    this.#warn = warn;
  }

  async read(): Promise<void> {
    const { text, version } = await readKeyFile(this.#path, 'peers', 'list', MAX_PEERS_FILE_BYTES);
    if (version === this.#version) return;
    const { keys, skipped } = parsePeersFile(text, this.#path);
    this.#keys = keys;
    this.#version = version;
    for (const line of skipped) this.#warn(skippedText(this.#path, line), { once: true });
  }

  async admit(publicKey: Uint8Array): Promise<PublicKey | null> {
    try {
      await this.read();
    } catch (error) {
      const reason = types.isNativeError(error) ? error.message : String(error);
      this.#warn(`every peer is refused while this is so: ${reason}`);
      return null;
    }
    return find(this.#keys, publicKey);
  }
}

function skippedText(path: string, { line, why }: SkippedLine): string {
  return `peers ${path}, line ${line} admits nobody: ${why}`;
}
