/** pool-ts/pooldev: a device file for programs written for /dev/pool, served from user space through FUSE. */
export { PoolError, type PoolErrorCode, type PoolErrorDetails } from '../base/errors.js';
export { defaultDevicePath, type PoolDeviceOptions } from './options.js';
export { PoolDevice, type PoolDeviceEnd } from './pool-device.js';
