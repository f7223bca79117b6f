/**
 * Whether a POOL node answers at an address: sends INIT, and looks whether CHALLENGE comes back (wire protocol,
 * Handshake). It goes no further, so that the program behind the node never sees a session.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** `other` took the connection and answered otherwise or not at all; `nobody` did not take it. */
export type Greeted = 'POOL' | 'other' | 'nobody';

/** ms for an answer: nodes ration handshakes while they are busy. */
const ANSWER_MS = 2000;

/** Bytes of the header of every packet, and of what INIT and CHALLENGE carry. */
const HEADER = 80;
const INIT_PAYLOAD = 64;
const CHALLENGE_PAYLOAD = 98;

/** Version 1 and the packet type, as the first byte of a header has them. */
const INIT = 0x10;
const CHALLENGE = 0x11;

export function greetPort(host: string, port: number, answerMs = ANSWER_MS): Promise<Greeted> {
  return new Promise((settle) => {
    const socket = connect({ host, port });
    let connected = false;
    let head = Buffer.alloc(0);
    const done = (answer: Greeted): void => {
      clearTimeout(timer);
      socket.destroy();
      settle(answer);
    };
    const timer = setTimeout(() => done(connected ? 'other' : 'nobody'), answerMs);
    socket.on('connect', () => {
      connected = true;
      socket.write(initPacket());
    });
    socket.on('data', (chunk) => {
      head = Buffer.concat([head, chunk]);
      if (head.length >= HEADER) done(isChallenge(head) ? 'POOL' : 'other');
    });
    socket.on('error', () => done(connected ? 'other' : 'nobody'));
    socket.on('close', () => done(connected ? 'other' : 'nobody'));
  });
}

/** Header fields at their offsets: ver_type 0, seq 4, payload_len 44; the rest is 0 in an INIT. */
function initPacket(): Buffer {
  const packet = Buffer.alloc(HEADER + INIT_PAYLOAD);
  packet.writeUInt8(INIT, 0);
  packet.writeUInt32BE(1, 4); // a client's numbers start from 2^32
  randomBytes(4).copy(packet, 8);
  packet.writeUInt16BE(INIT_PAYLOAD, 44);
  const { x } = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
  Buffer.from(x ?? '', 'base64url').copy(packet, HEADER);
  return packet;
}

function isChallenge(head: Buffer): boolean {
  return head.readUInt8(0) === CHALLENGE && head.readUInt16BE(44) === CHALLENGE_PAYLOAD;
}
