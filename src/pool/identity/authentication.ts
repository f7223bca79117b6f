/** The options of dial and listen that ask who the peer is: which go together, and what becomes of them once files are read. */
import { PoolError } from '../../base/errors.js';
import { namesOf } from '../../base/option-names.js';
import { ownOption } from '../../base/own-properties.js';
import type { DialAuthentication, ListenAuthentication } from '../../poolnode/types.js';
import { checkIdentity, givenIdentity, type IdentityInput, loadIdentity, type LoadedIdentity } from './identity.js';
import { checkPeers, givenPeers, loadPeers, type Peers, type PeersInput } from './peers.js';
import { checkPsk, loadPsk, type PskInput } from './pre-shared-key.js';

/** Options of a dial about who the peer is; none of them: nobody proves anything. */
export interface DialProofOptions {
  /** Who may be dialled: the listener proves its key before the dial settles. */
  peers?: PeersInput | undefined;
  /** What this side proves where the listener asks for it. Wants `peers`. */
  identity?: IdentityInput | undefined;
  /** In place of both: a secret that the listener has as well. Each side proves that it knows it. */
  psk?: PskInput | undefined;
}

/** Options of a listener about who the peer is; none of them: nobody proves anything. */
export interface ListenProofOptions {
  /** What this listener proves. Wants `peers`. */
  identity?: IdentityInput | undefined;
  /** Who may dial and must prove its key; `'anyone'` asks for none: the listener proves itself to strangers. */
  peers?: PeersInput | 'anyone' | undefined;
  /** In place of both: one secret, or up to four while one replaces another. */
  psk?: PskInput | readonly PskInput[] | undefined;
}

/** The names of both, for those who refuse them where they would do nothing. */
export const PROOF_OPTIONS = namesOf<DialProofOptions & ListenProofOptions>({ peers: true, identity: true, psk: true });

/**
 * An address may have other names beside host and port, which are the program's affair; but who means these, and gives them as
 * no option, would talk to anybody.
 * @throws PoolError ERR_INVALID_ARG_VALUE
 */
export function refuseProofInAddress(op: 'dial' | 'listen', address: object | string): void {
  const name = PROOF_OPTIONS.find((one) => ownOption(Object(address) as object, one) !== undefined);
  if (name === undefined) return;
  throw wrong(`an address has no "${name}": options of ${op} go into its second argument, ${op}(address, { ${name} })`);
}

/** What was asked for, checked but for files. */
export type DialProof = { peers: PeersInput; identity: IdentityInput | undefined } | { psk: PskInput };
export type ListenProof = { identity: IdentityInput; peers: PeersInput | 'anyone' } | { psks: readonly PskInput[] };

const MOST_PSKS = 4;

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for options that don't go together) */
export function checkDialProof(given: Record<keyof DialProofOptions, unknown>): DialProof | undefined {
  const { peers, identity, psk } = given;
  if (psk !== undefined) {
    alone(peers, identity);
    return { psk: checkPsk(psk) };
  }
  if (peers === 'anyone') throw wrong("options.peers of a dial names its peers: 'anyone' would prove nothing");
  if (peers === undefined) {
    if (identity === undefined) return undefined;
    throw wrong('options.identity of a dial wants options.peers: a proof is shown to a peer that is known');
  }
  return {
    peers: checkPeers(peers),
    identity: identity === undefined ? undefined : checkIdentity(identity),
  };
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for options that don't go together) */
export function checkListenProof(given: Record<keyof ListenProofOptions, unknown>): ListenProof | undefined {
  const { peers, identity, psk } = given;
  if (psk !== undefined) {
    alone(peers, identity);
    const psks: readonly unknown[] = Array.isArray(psk) ? psk : [psk];
    if (psks.length === 0 || psks.length > MOST_PSKS) throw wrong(`options.psk is one key, or up to ${MOST_PSKS}`);
    return { psks: Array.from(psks, checkPsk) };
  }
  if (peers === undefined && identity === undefined) return undefined;
  if (identity === undefined) {
    throw wrong('options.peers of a listener wants options.identity: who must prove itself is proved to as well');
  }
  if (peers === undefined) {
    throw wrong("options.identity of a listener wants options.peers: keys of who may dial, or 'anyone'");
  }
  return { identity: checkIdentity(identity), peers: peers === 'anyone' ? peers : checkPeers(peers) };
}

/** Reads the files. @throws (rejects) PoolError ERR_INVALID_ARG_VALUE with file and line, or the errno name */
export async function loadDialProof(proof: DialProof): Promise<DialAuthentication> {
  if ('psk' in proof) return { credentials: { mode: 'psk', key: await loadPsk(proof.psk) }, admit: admitNobody };
  const identity = proof.identity === undefined ? null : await loadIdentity(proof.identity);
  return withKeys(identity, await loadPeers(proof.peers, warn));
}

/**
 * As {@link loadDialProof}, at once; undefined where something has to be read. Each dial asks, and to wait for what is there
 * already costs more than all the rest of it.
 */
export function givenDialProof(proof: DialProof): DialAuthentication | undefined {
  if ('psk' in proof) return undefined;
  const identity = proof.identity === undefined ? null : givenIdentity(proof.identity);
  const peers = givenPeers(proof.peers);
  return identity === undefined || peers === undefined ? undefined : withKeys(identity, peers);
}

function withKeys(identity: LoadedIdentity | null, peers: Peers): DialAuthentication {
  return { credentials: { mode: 'keys', identity }, admit: admitBy(peers) };
}

/** Reads the files. @throws (rejects) PoolError ERR_INVALID_ARG_VALUE with file and line, or the errno name */
export async function loadListenProof(proof: ListenProof): Promise<ListenAuthentication> {
  if ('psks' in proof) {
    return { credentials: { mode: 'psk', keys: await Promise.all(proof.psks.map(loadPsk)) }, admit: admitNobody };
  }
  const identity = await loadIdentity(proof.identity);
  if (proof.peers === 'anyone') {
    return { credentials: { mode: 'keys', identity, demand: false }, admit: admitNobody };
  }
  const peers = await loadPeers(proof.peers, warn);
  return { credentials: { mode: 'keys', identity, demand: true }, admit: admitBy(peers) };
}

/** Why the kernel module can't carry it, and what can. */
export function unavailableOnModule(): PoolError {
  return new PoolError(
    'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
    "identity, peers and psk are of the node in user space: the device shows no secret to bind a proof to; pass backend: 'user', or use TLS in the connection",
  );
}

function admitBy(peers: Peers): DialAuthentication['admit'] {
  return (publicKey, decision) => peers.admit(publicKey, decision);
}

/** Nobody is asked where no key is proven. */
const admitNobody: DialAuthentication['admit'] = () => null;

function alone(peers: unknown, identity: unknown): void {
  if (peers === undefined && identity === undefined) return;
  throw wrong('options.psk goes without peers and identity: both sides prove the one secret');
}

/** What was told once. A file of peers that is read for each of many dials would be told of for each. */
const told = new Set<string>();
const MOST_TOLD = 1000;

function warn(message: string, { once = false }: { once?: boolean } = {}): void {
  if (once && told.has(message)) return;
  if (told.size >= MOST_TOLD) told.clear();
  if (once) told.add(message);
  process.emitWarning(message, 'PoolWarning', 'POOL_PEERS');
}

function wrong(message: string): PoolError {
  return new PoolError('ERR_INVALID_ARG_VALUE', message);
}
