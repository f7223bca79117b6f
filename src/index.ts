/**
 * pool-ts: POOL, an encrypted transport that keeps message boundaries, as naturally as `net`.
 *
 * Importing this loads nothing native, and neither backend: the first dial or listen loads the one that it takes, koffi and
 * cryptography with it.
 */
export * from './pool/index.js';
