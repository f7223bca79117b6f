/**
 * Payloads of fixed shape (kernel contract, section 1; wire protocol, Handshake). Each reader stands next to its writer.
 * Readers take exactly the stated size and give copies; addresses are claims that this node does not act on.
 */
import { CHALLENGE_BYTES, FRAGMENT_HEADER_BYTES, INIT_BYTES, KEY_BYTES, RESPONSE_BYTES } from './constants.js';
import { violation } from './faults.js';

function exactly(name: string, payload: Uint8Array, size: number): DataView {
  if (payload.length !== size) throw violation(`${name} carries ${payload.length} bytes instead of ${size}`);
  return new DataView(payload.buffer, payload.byteOffset, payload.length);
}

/** Client public key, then an address of zeros. */
export function writeInit(publicKey: Uint8Array): Uint8Array {
  const payload = new Uint8Array(INIT_BYTES);
  payload.set(publicKey);
  return payload;
}

export function readInit(payload: Uint8Array): { publicKey: Uint8Array } {
  exactly('INIT', payload, INIT_BYTES);
  return { publicKey: payload.slice(0, KEY_BYTES) };
}

export interface Challenge {
  publicKey: Uint8Array;
  seed: Uint8Array;
  /** Leading zero bits that the puzzle asks for. */
  difficulty: number;
}

export function writeChallenge({ publicKey, seed, difficulty }: Challenge): Uint8Array {
  const payload = new Uint8Array(CHALLENGE_BYTES);
  payload.set(publicKey);
  payload.set(seed, 32);
  new DataView(payload.buffer).setUint16(64, difficulty);
  return payload;
}

export function readChallenge(payload: Uint8Array): Challenge {
  const view = exactly('CHALLENGE', payload, CHALLENGE_BYTES);
  return { publicKey: payload.slice(0, 32), seed: payload.slice(32, 64), difficulty: view.getUint16(64) };
}

export interface Response {
  solution: Uint8Array;
  proof: Uint8Array;
}

export function writeResponse({ solution, proof }: Response): Uint8Array {
  const payload = new Uint8Array(RESPONSE_BYTES);
  payload.set(solution);
  payload.set(proof, 32);
  return payload;
}

export function readResponse(payload: Uint8Array): Response {
  exactly('RESPONSE', payload, RESPONSE_BYTES);
  return { solution: payload.slice(0, 32), proof: payload.slice(32, 64) };
}

/** The new public key of a REKEY. */
export function readRekey(payload: Uint8Array): Uint8Array {
  exactly('REKEY', payload, KEY_BYTES);
  return payload.slice();
}

/** The size that a DISCOVER probes, or null where the payload is too short to name one. */
export function readProbeSize(payload: Uint8Array): number | null {
  return payload.length < 2 ? null : (payload[0]! << 8) | payload[1]!;
}

export interface FragmentHeader {
  messageId: number;
  offset: number;
  total: number;
}

/** A fragment as it goes into a packet: its header, then the bytes. */
export function writeFragment({ messageId, offset, total }: FragmentHeader, bytes: Uint8Array): Uint8Array {
  const payload = new Uint8Array(FRAGMENT_HEADER_BYTES + bytes.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, messageId);
  view.setUint16(4, offset);
  view.setUint16(6, total);
  payload.set(bytes, FRAGMENT_HEADER_BYTES);
  return payload;
}

export function readFragmentHeader(payload: Uint8Array): FragmentHeader {
  if (payload.length < FRAGMENT_HEADER_BYTES) throw violation('a fragment is shorter than its header');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return { messageId: view.getUint32(0), offset: view.getUint16(4), total: view.getUint16(6) };
}
