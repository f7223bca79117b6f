/** What the node's shell needs of the protocol. */
export { createClientHandshake, type ClientHandshakeConfig } from './client-handshake.js';
export { createServerHandshake, type ServerHandshakeConfig } from './server-handshake.js';
export { isSequenceCollision } from './sequence.js';
export * from './constants.js';
export type {
  Crypto,
  Handshake,
  KeyPair,
  PacketCrypto,
  ProtocolConfig,
  Session,
  SessionEvent,
  SessionLimits,
} from './types.js';
