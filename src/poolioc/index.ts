/**
 * pool-ts/poolioc: pool.h in TypeScript, and the device.
 *
 * @module
 */
export type { Bytes, BytesInput } from '../base/bytes.js';
export { PoolError, type PoolErrorCode, type PoolErrorDetails } from '../base/errors.js';
export * from './abi/constants.js';
export { DEFAULT_DEVICE_PATH, Device, type OpenOptions } from './device.js';
export * from './abi/ioctl.js';
export { findKernelThread, type ProcFiles } from './closing/kernel-thread.js';
export * from './abi/mapped.js';
export { loadRef } from './abi/ref.js';
export type { BytesRef, RefModule, RefType } from './abi/ref-types.js';
export * from './abi/structs.js';
export type * from './types.js';
export type {
  /** @deprecated the name until 0.2: {@link DeviceTelemetry}. */
  DeviceTelemetry as RawTelemetry,
} from './types.js';
