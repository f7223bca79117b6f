/**
 * pool-ts: POOL, an encrypted transport that keeps message boundaries, as naturally as `net`.
 *
 * Importing this loads nothing native: koffi and ref-napi come with the kernel backend, when a device is used.
 */
export * from './pool/index.js';
