/**
 * The file of peers that a person has met: which key belongs to which address, as ssh's known_hosts has it. A line is
 * `[host]:port`, blanks, and a public key; the command line reads and writes it, programs give `peers`.
 */
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PoolError } from '../../base/errors.js';
import { parsePublicKeyLine, type PublicKey, publicKeyLine } from '../../base/public-key.js';
import type { Network } from '../options.js';
import { type AddressInput, readPeer } from '../address/target.js';
import { readKeyFile } from './key-file.js';
import { MAX_PEERS_FILE_BYTES } from './peers-file.js';

/** A line of the file. */
export interface KnownPeer {
  /** `[host]:port`, as {@link knownName} makes it. */
  readonly name: string;
  readonly key: PublicKey;
  /** From 1. */
  readonly line: number;
}

/** What an address is called in the file: the host as it was dialled, and not what a lookup makes of it. */
export function knownName(address: AddressInput, network: Network = 'pool'): string {
  const { host, port } = readPeer(address, network);
  return `[${host === '' ? 'localhost' : host.toLowerCase()}]:${port}`;
}

/**
 * @param file its name, for messages
 * @throws PoolError ERR_INVALID_ARG_VALUE with file and line
 */
function parseKnownPeers(text: string, file: string): KnownPeer[] {
  const known: KnownPeer[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const words = whole.trim();
    if (words === '' || words.startsWith('#')) continue;
    const line = index + 1;
    const [, name, rest] = /^(\[[^\s\]]+\]:\d{1,5})[ \t]+(.*)$/.exec(words) ?? [];
    const wrong = (why: string): PoolError =>
      new PoolError('ERR_INVALID_ARG_VALUE', `known peers ${file}, line ${line}: ${why}`);
    if (name === undefined) throw wrong('a line is [host]:port and a public key');
    try {
      known.push({ name: name.toLowerCase(), key: parsePublicKeyLine(rest!), line });
    } catch (error) {
      throw wrong(`what follows the address ${(error as Error).message}`);
    }
  }
  return known;
}

/** None where there is no file yet. @throws (rejects) PoolError as {@link parseKnownPeers}; the errno name where it can't be read */
export async function readKnownPeers(file: string): Promise<KnownPeer[]> {
  let text: string;
  try {
    ({ text } = await readKeyFile(file, 'known peers', 'list', MAX_PEERS_FILE_BYTES));
  } catch (error) {
    if ((error as PoolError).code === 'ENOENT') return [];
    throw error;
  }
  return parseKnownPeers(text, file);
}

/** The line of a peer, without a line end. */
export function knownPeerLine(name: string, key: PublicKey): string {
  return `${name} ${publicKeyLine(key)}`;
}

/** Adds a line; makes file and folder, for this user alone, where there are none. @throws (rejects) the system's own error */
export async function addKnownPeer(file: string, name: string, key: PublicKey): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1, '\n');
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    // In one write, so that two commands at a time leave two whole lines.
    await handle.write(`${last.toString() === '\n' ? '' : '\n'}${knownPeerLine(name, key)}\n`);
  } finally {
    await handle.close();
  }
}
