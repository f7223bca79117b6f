/**
 * pool-ts/poolioc: pool.h in TypeScript, and the device.
 *
 * @module
 */
export type { Bytes, BytesInput } from '../base/bytes.js';
export { PoolError, type PoolErrorCode, type PoolErrorDetails } from '../errors.js';
export * from './constants.js';
export { DEFAULT_DEVICE_PATH, Device, type OpenOptions } from './device.js';
export * from './ioctl.js';
export { findKernelThread, type ProcFiles } from './kernel-thread.js';
export * from './mapped.js';
export { loadRef } from './ref.js';
export type { BytesRef, RefModule, RefType } from './ref-types.js';
export * from './structs.js';
export type * from './types.js';
