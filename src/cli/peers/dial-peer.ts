/**
 * Dials for a person: where the peer was never met, it is refused, the person is asked about the key that it proved, and it is
 * dialled anew with that key alone. No session waits for an answer.
 */
import { type AddressInput, type Conn, dial, type DialOptions, type PublicKey } from '../../index.js';
import { addKnownPeer } from '../../pool/identity/known-peers.js';
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { Person } from '../person.js';
import { tell, type Terminal } from '../terminal.js';
import { PeerCheck, type Stranger } from './peer-check.js';
import { configFile, dialProof } from './proof.js';
import type { ProofFlags } from './proof-flags.js';

/** `dial`, with the proofs that flags and environment ask for. @throws (rejects) as dial; CliError for a peer that is not known */
export async function dialPeer(
  terminal: Terminal,
  address: AddressInput,
  flags: ProofFlags,
  options: DialOptions,
): Promise<Conn> {
  const proof = await dialProof(flags, terminal.env);
  if ('options' in proof) return dial(address, { ...options, ...proof.options });
  const peer = new PeerCheck(configFile('known_peers', terminal.env), address, options.network);
  await peer.examine();
  const dialled = (): Promise<Conn> =>
    dial(address, { ...options, peers: peer.peers, ...(proof.identity && { identity: proof.identity }) });
  try {
    return await dialled();
  } catch (error) {
    const { stranger } = peer;
    if (stranger === null || terminal.stop.aborted) throw error;
    await decide(terminal, peer, stranger);
  }
  peer.stranger = null;
  try {
    return await dialled();
  } catch (error) {
    if (peer.stranger === null) throw error;
    throw refuse(terminal, peer, peer.stranger);
  }
}

/** For dials at which nobody is asked: each stranger is told of once. */
export async function dialProofOptions(
  terminal: Pick<Terminal, 'env' | 'stderr'>,
  address: AddressInput,
  flags: ProofFlags,
  options: Pick<DialOptions, 'network'>,
): Promise<Pick<DialOptions, 'peers' | 'identity' | 'psk'>> {
  const proof = await dialProof(flags, terminal.env);
  if ('options' in proof) return proof.options;
  const peer = new PeerCheck(configFile('known_peers', terminal.env), address, options.network);
  await peer.examine();
  const told = new Set<string>();
  const peers = async (key: PublicKey): Promise<boolean> => {
    if (await peer.peers(key)) return true;
    const stranger = peer.stranger!;
    if (!told.has(key.fingerprint)) tell(terminal, lineOf(refuse(terminal, peer, stranger)));
    told.add(key.fingerprint);
    return false;
  };
  return { peers, ...(proof.identity && { identity: proof.identity }) };
}

/** Settles when the person said yes, and the key is in the file. */
async function decide(terminal: Terminal, peer: PeerCheck, stranger: Stranger): Promise<void> {
  const { key, lines } = stranger;
  const person = lines.length > 0 ? null : await terminal.person();
  if (person === null) throw refuse(terminal, peer, stranger);
  try {
    if (!(await isTrusted(person, peer, key, terminal.stop))) {
      throw new CliError(EXIT.PROTOCOL, `${peer.name} was refused: you did not trust its key`);
    }
  } finally {
    person.leave();
  }
  try {
    await addKnownPeer(peer.file, peer.name, key);
  } catch (cause) {
    throw new CliError(EXIT.CANNOT_CREATE, `${peer.file} can not be written: ${lineOf(cause)}`, { cause });
  }
  tell(terminal, `${peer.name} is known from now on, in ${peer.file}`);
}

/** Asks as ssh does: yes, no, or the fingerprint that the person was told. */
async function isTrusted(person: Person, { name }: PeerCheck, key: PublicKey, stop: AbortSignal): Promise<boolean> {
  let question = `${name} is not known. It proved the key ${key.fingerprint}.
Compare that with what its owner told you. Do you trust it (yes/no/fingerprint)? `;
  for (;;) {
    const answer = (await person.ask(question, stop))?.trim();
    if (answer === undefined || answer.toLowerCase() === 'no') return false;
    if (answer.toLowerCase() === 'yes' || answer === key.fingerprint) return true;
    question = answer.startsWith('SHA256:')
      ? "That is another key's fingerprint. yes, no, or the fingerprint: "
      : 'Type yes, no, or the fingerprint: ';
  }
}

function refuse(terminal: Pick<Terminal, 'stderr'>, peer: PeerCheck, stranger: Stranger): CliError {
  if (stranger.lines.length > 0) for (const line of peer.warning(stranger)) tell(terminal, line);
  return peer.refusal(stranger);
}
