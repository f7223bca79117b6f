/** The ways a peer ends a session. The sentences name the rule; none carries key, plaintext, proof or seed. */
import { PoolError } from '../../base/errors.js';

/** The peer broke a rule of the protocol; `rule` says which. */
export function violation(rule: string): PoolError {
  return new PoolError('ERR_POOL_PROTOCOL', `the peer broke the POOL protocol: ${rule}`);
}

/** The one verdict on anything that is not authentic: HMAC, tag, puzzle or proof, without saying which. */
export function unauthentic(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    'a packet is not authentic: it was changed on the way, or the peer does not hold the keys',
  );
}

/** The peer went away without CLOSE. */
export function peerLost(reason: string): PoolError {
  return new PoolError('ERR_POOL_PEER_LOST', `the peer was lost: ${reason}`);
}

/** A PoolError as it is; anything else, which would be a fault of ours, as the cause of one. */
export function asPoolError(error: unknown): PoolError {
  if (error instanceof PoolError) return error;
  return new PoolError('ERR_POOL_PROTOCOL', 'the session ended by an unexpected fault; see cause', { cause: error });
}

/** The peer's key agrees with none of ours. Without a cause: a library's reason names its inside, and the caller can do nothing with it. */
export function unusablePublicKey(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    "the peer's public key can't be used: it is no X25519 key or of low order",
  );
}
