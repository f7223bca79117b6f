import { PoolError } from '../base/errors.js';

/** No cause: the library's reason names its inside, and the caller can do nothing with it. */
export function unusablePublicKey(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    "the peer's public key can't be used: it is no X25519 key or of low order",
  );
}
