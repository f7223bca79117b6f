/**
 * Where a side starts to count its packets. Client and server draw from ranges that never meet, so that the one key which
 * both directions share sees no nonce twice (wire protocol, Sequence numbers).
 */

export type Role = 'client' | 'server';

/** First and one past the last number that a role may start from. */
export const SEQUENCE_RANGES: Readonly<Record<Role, readonly [from: bigint, below: bigint]>> = {
  client: [1n << 32n, 1n << 62n],
  server: [1n << 62n, (1n << 63n) - (1n << 40n)],
};

const MASK_62 = (1n << 62n) - 1n;

/** Draws the first number, each of the role's range as likely as any other. `randomBytes` must be cryptographic. */
export function drawInitialSequence(role: Role, randomBytes: (size: number) => Uint8Array): bigint {
  const [from, below] = SEQUENCE_RANGES[role];
  const base = role === 'server' ? from : 0n;
  for (;;) {
    const drawn = base + (random64(randomBytes) & MASK_62);
    // Drawing again, and not folding, keeps the distribution even; it happens about once in 2^21 (server) or 2^30 draws.
    if (drawn >= from && drawn < below) return drawn;
  }
}

/**
 * ns added to every timestamp of a session, so that a peer can't read the host's uptime from them.
 * Below 2^62: the sum with any uptime fits the header's 64 bits.
 */
export function drawTimestampOffset(randomBytes: (size: number) => Uint8Array): bigint {
  return random64(randomBytes) & MASK_62;
}

function random64(randomBytes: (size: number) => Uint8Array): bigint {
  const bytes = randomBytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}
