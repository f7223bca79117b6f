/**
 * From flags, environment and the user's own files to the options of dial and listen that ask who the peer is, and what is
 * told of one that proved it. Files are looked at here, first.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Conn, DialProofOptions, ListenProofOptions } from '../../index.js';
import { loadIdentity } from '../../pool/identity/identity.js';
import { loadPeers } from '../../pool/identity/peers.js';
import { loadPsk } from '../../pool/identity/pre-shared-key.js';
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { ProofFlags } from './proof-flags.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that stand for flags where those are not given, and hold paths: for containers. */
export const PROOF_VARIABLES = { identity: 'POOL_IDENTITY', peers: 'POOL_PEERS', pskFile: 'POOL_PSK_FILE' } as const;

/**
 * A file in which the command line keeps what belongs to its user: of the XDG Base Directory Specification's folder of
 * configurations. A relative XDG_CONFIG_HOME is none, as the specification has it.
 */
export function configFile(name: 'identity' | 'known_peers', env: Environment, home = homedir()): string {
  const folder = env['XDG_CONFIG_HOME'];
  return join(folder && isAbsolute(folder) ? folder : join(home, '.config'), 'pool-ts', name);
}

/** `--peers known`: those of the file of known peers. */
const KNOWN = 'known';
/** `--peers anyone`: strangers may dial. */
const ANYONE = 'anyone';

/** A word in place of a file. */
export function isPeersWord(peers: string): boolean {
  return peers === KNOWN || peers === ANYONE;
}

/** What a dial asks for: options as they are, or those of a peer that is looked up by its address. */
export type DialCheck = { options: DialProofOptions } | { known: true; identity: { file: string } | undefined };

/** The flags, and in their place the environment's; null in a value is neither. @throws CliError where they don't go together */
export function proofWish(flags: ProofFlags, env: Environment): ProofFlags {
  const given: ProofFlags = { ...flags };
  // Whoever names a secret means it, whatever keys the environment has, and the reverse.
  const [keys, psk] = [given.identity ?? given.peers, given.pskFile];
  if (psk !== undefined && keys !== undefined) {
    throw usage('--psk-file goes without --identity and --peers: both sides prove the one secret');
  }
  const set = (name: keyof ProofFlags): string | undefined => env[PROOF_VARIABLES[name]] || undefined;
  if (psk !== undefined) return { pskFile: psk };
  const wish: ProofFlags = {};
  for (const name of ['identity', 'peers'] as const) {
    const value = given[name] ?? set(name);
    if (value !== undefined) wish[name] = value;
  }
  const secret = keys === undefined ? set('pskFile') : undefined;
  if (secret === undefined) return wish;
  if (wish.identity !== undefined || wish.peers !== undefined) {
    throw usage('POOL_PSK_FILE goes without POOL_IDENTITY and POOL_PEERS: both sides prove the one secret');
  }
  return { pskFile: secret };
}

/** @throws (rejects) CliError for what doesn't go together, or a file that is missing; PoolError for one that is wrong */
export async function dialProof(flags: ProofFlags, env: Environment): Promise<DialCheck> {
  const { identity, peers, pskFile } = proofWish(flags, env);
  if (pskFile !== undefined) return { options: { psk: await file(pskFile, loadPsk) } };
  if (identity === undefined && peers === undefined) return { options: {} };
  if (peers === ANYONE) throw usage("--peers anyone is for listening: a dial names a file, or 'known'");
  const own = identity === undefined ? undefined : await file(identity, loadIdentity);
  if (peers === undefined || peers === KNOWN) return { known: true, identity: own };
  return { options: { peers: await file(peers, examinePeers), ...(own && { identity: own }) } };
}

/** @throws (rejects) CliError for what doesn't go together, or a file that is missing; PoolError for one that is wrong */
export async function listenProof(flags: ProofFlags, env: Environment): Promise<ListenProofOptions> {
  const { identity, peers, pskFile } = proofWish(flags, env);
  if (pskFile !== undefined) return { psk: await file(pskFile, loadPsk) };
  if (identity === undefined && peers === undefined) return {};
  if (identity === undefined) {
    throw usage('--peers of a listener wants --identity: who asks for a proof gives one; pool-ts keygen makes it');
  }
  if (peers === undefined) throw usage('--identity of a listener wants --peers: a file of who may dial, or anyone');
  if (peers === KNOWN) throw usage('--peers known is for dialling: a listener names a file, or anyone');
  const own = await file(identity, loadIdentity);
  return { identity: own, peers: peers === ANYONE ? peers : await file(peers, examinePeers) };
}

/**
 * Who a peer is, for the line that tells of its connection: goes on after the backend's name; empty where nothing was proven.
 * A comment is our own list's, so it may be shown.
 */
export function proofText({ peer }: Pick<Conn, 'peer'>): string {
  if (peer === null) return '';
  if (peer.method === 'psk') return ', proven by the pre-shared key';
  return `, ${peer.comment === undefined ? '' : `${peer.comment} `}${peer.fingerprint}`;
}

/** Whether it can be read and used, so that what is wrong with it is told before anything is opened. */
async function file(path: string, examine: (input: { file: string }) => Promise<unknown>): Promise<{ file: string }> {
  const input = { file: path };
  await examine(input).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    // Of a device these codes say that POOL is missing; here it is a file that somebody named.
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new CliError(EXIT.NO_INPUT, lineOf(error), { cause: error });
    throw error;
  });
  return input;
}

/** What is to be told of its lines is told when it is used. */
const examinePeers = (input: { file: string }): Promise<unknown> => loadPeers(input, () => undefined);

function usage(message: string): CliError {
  return new CliError(EXIT.USAGE, message);
}
