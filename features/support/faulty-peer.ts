/** TCP peers that break the handshake in one way each (wire protocol, Handshake). They share no code with pool-ts. */
import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { randomBytes } from './random.js';

const HEADER_BYTES = 80;
const CHALLENGE = 1;
const DATA = 3;
const ACK = 4;

interface Challenge {
  version?: number;
  type?: number;
  difficulty?: number;
  publicKey?: Buffer;
}

interface Header {
  version?: number;
  type: number;
  sessionId: Buffer;
  payloadBytes: number;
}

function header({ version = 1, type, sessionId, payloadBytes }: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8((version << 4) | type, 0);
  bytes.writeBigUInt64BE(7n, 4);
  sessionId.copy(bytes, 20);
  bytes.writeUInt16BE(payloadBytes, 44);
  return bytes;
}

const freshKey = (): Buffer =>
  generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);

/** A CHALLENGE that is right but for what is given. */
function challenge({ version, type = CHALLENGE, difficulty = 8, publicKey = freshKey() }: Challenge): Buffer {
  const payload = Buffer.alloc(98);
  publicKey.copy(payload, 0);
  randomBytes(32).copy(payload, 32);
  payload.writeUInt16BE(difficulty, 64);
  const sessionId = randomBytes(16);
  const common = { type, sessionId, payloadBytes: payload.length };
  return Buffer.concat([header(version === undefined ? common : { ...common, version }), payload]);
}

/** A right CHALLENGE, and behind RESPONSE an ACK whose HMAC is made up. */
function forgeAcknowledgement(socket: Socket): void {
  const first = challenge({});
  const ack = header({ type: ACK, sessionId: first.subarray(20, 36), payloadBytes: 0 });
  randomBytes(32).copy(ack, 48);
  socket.write(first);
  socket.once('data', () => socket.write(ack));
}

const http = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\nthis is not what I expect\n`;

/** What each of them does when the first bytes of INIT come, in the words of the features. */
export const FAULTS: Readonly<Record<string, (socket: Socket) => void>> = {
  'never answers': () => undefined,
  'hangs up': (socket) => socket.end(),
  'answers in HTTP': (socket) => socket.write(http),
  'speaks version 2': (socket) => socket.write(challenge({ version: 2 })),
  'answers INIT with DATA': (socket) => socket.write(challenge({ type: DATA })),
  'offers a key that makes no secret': (socket) => socket.write(challenge({ publicKey: Buffer.alloc(32) })),
  'forges its acknowledgement': forgeAcknowledgement,
  'sets a puzzle that nobody solves': (socket) => socket.write(challenge({ difficulty: 255 })),
};

/** Starts one on IPv4 loopback. */
export async function faultyPeer(fault: string): Promise<{ port: number; close: () => Promise<void> }> {
  const answer = FAULTS[fault];
  if (answer === undefined)
    throw new Error(`no peer ${JSON.stringify(fault)}: there are ${Object.keys(FAULTS).join(', ')}`);
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
