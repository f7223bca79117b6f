/** Secrets that went through a node, and all that a program could log of a value: the one must not be in the other. */
import { inspect } from 'node:util';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import type { Crypto } from '../../src/poolnode/protocol/types.js';

/** The real cryptography, and a copy of each secret that went through it. */
export function recording(secrets: Buffer[]): Crypto {
  const real = nodeCrypto();
  const keep = (secret: Uint8Array): Uint8Array => {
    secrets.push(Buffer.from(secret));
    return secret;
  };
  return {
    ...real,
    generateKeyPair: () => {
      const pair = real.generateKeyPair();
      return { publicKey: pair.publicKey, agree: (peer) => keep(pair.agree(peer)), dispose: () => pair.dispose() };
    },
    // Of the handshake, this is the proof.
    hmacSha256: (key, ...pieces) => keep(real.hmacSha256(key, ...pieces)),
    // With a salt, of an exchange that proves who the peer is.
    hkdfSha256: (secret, info, salt) => keep(real.hkdfSha256(secret, info, salt)),
    packetCrypto: (sessionKey, hmacKey) => real.packetCrypto(keep(sessionKey), keep(hmacKey)),
  };
}

/** All of a value that a logger could reach. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 30, showHidden: true, maxArrayLength: null, maxStringLength: null });
  const stacks: string[] = [];
  for (let error = value; error instanceof Error; error = error.cause) stacks.push(error.stack ?? '', error.message);
  const bigints = (_key: string, part: unknown): unknown => (typeof part === 'bigint' ? String(part) : part);
  return [text, ...stacks, JSON.stringify(value, bigints) ?? ''].join('\n');
}

/** How a secret could be written. */
export function spellings(secret: Buffer): string[] {
  const part = secret.subarray(0, 6);
  return [
    part.toString('hex'),
    part.toString('hex').replace(/..(?=.)/g, '$& '),
    part.toString('base64'),
    part.toString('latin1'),
    [...part].join(', '),
    [...part].join(','),
  ];
}
