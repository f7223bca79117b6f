/** What a call refuses before any I/O. */
import { isLinkLocal, isV4Mapped } from '../base/ip.js';
import { bytesOf } from '../base/bytes.js';
import { PoolError } from '../base/errors.js';
import { AF_INET, AF_INET6, MAX_CHANNELS, MAX_PAYLOAD, MAX_SESSIONS } from './abi/constants.js';
import type { CallOptions, ConnectRequest } from './types.js';

/**
 * Bytes that every session of the module takes: a longer message breaks one whose slot was never used before (kernel
 * contract, hazard 6).
 */
export const SAFE_PAYLOAD = 65511;
const MAX_PORT = 65535;
const MAX_POOL_VERSION = 2;

/** @throws PoolError ERR_INVALID_ARG_TYPE or ERR_OUT_OF_RANGE */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `${name} must be a number, got ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new PoolError('ERR_OUT_OF_RANGE', `${name} must be an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

export const checkSession = (index: unknown): number => checkInteger('the session index', index, 0, MAX_SESSIONS - 1);
export const checkChannel = (channel: unknown): number => checkInteger('the channel', channel, 0, MAX_CHANNELS - 1);
export const checkFlags = (flags: unknown): number => checkInteger('flags', flags, 0, 0xff);
/** Port 0 is refused, too: LISTEN would open one that can't be learned (kernel contract, section 2). */
export const checkPort = (port: unknown): number => checkInteger('the port', port, 1, MAX_PORT);

/** A message to send. */
export function checkData(data: unknown, isModule: boolean): Uint8Array {
  const bytes = checkBytes('data', data);
  if (bytes.length === 0)
    throw new PoolError('ERR_OUT_OF_RANGE', 'data must have at least 1 byte: SEND takes no empty message');
  const max = isModule ? SAFE_PAYLOAD : MAX_PAYLOAD;
  if (bytes.length > max) {
    throw new PoolError(
      'ERR_POOL_MESSAGE_TOO_LARGE',
      `a message of ${bytes.length} bytes is too large: the device takes ${max}; send it in parts`,
    );
  }
  return bytes;
}

/** Where a message is received. More than RECV takes is not an error, it is just not used. */
export function checkBuffer(buffer: unknown): Uint8Array {
  const bytes = checkBytes('the buffer', buffer);
  if (bytes.length === 0) throw new PoolError('ERR_OUT_OF_RANGE', 'the buffer must have at least 1 byte');
  return bytes;
}

function checkBytes(name: string, value: unknown): Uint8Array {
  const bytes = bytesOf(value);
  if (bytes !== null) return bytes;
  throw new PoolError('ERR_INVALID_ARG_TYPE', `${name} must be an ArrayBuffer or a view, got ${kindOf(value)}`);
}

/** Fills in the defaults. */
export function checkConnect(request: ConnectRequest): Required<ConnectRequest> {
  if (typeof request !== 'object' || request === null) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `a connect request must be an object, got ${kindOf(request)}`);
  }
  const { peerAddr, peerPort, addrFamily = AF_INET6, poolVersion = 0 } = request;
  const address = checkBytes('peerAddr', peerAddr);
  if (address.length !== 16) {
    throw new PoolError(
      'ERR_OUT_OF_RANGE',
      `peerAddr must have 16 bytes, got ${address.length}; ipv4ToMapped makes them`,
    );
  }
  checkPort(peerPort);
  checkInteger('addrFamily', addrFamily, 0, 0xff);
  checkInteger('poolVersion', poolVersion, 0, MAX_POOL_VERSION);
  // Kernel contract, hazard 1: AF_INET takes the raw-IP path and crashes the kernel; mapped addresses are dialled as IPv6.
  const isIpv4 = addrFamily === AF_INET && isV4Mapped(address);
  if (addrFamily !== AF_INET6 && !isIpv4) {
    throw new PoolError(
      'ERR_INVALID_ARG_VALUE',
      `addrFamily ${addrFamily} is refused: the module dials AF_INET6 (${AF_INET6}) only; map IPv4 addresses with ipv4ToMapped`,
    );
  }
  if (isLinkLocal(address)) {
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      "a link-local address (fe80::/10) needs a scope id, which CONNECT can't carry; use another address of the peer",
    );
  }
  return { peerAddr: Uint8Array.from(address), peerPort, addrFamily: AF_INET6, poolVersion };
}

/** ms are finite and not negative, a signal is one. */
export function checkOptions(options: CallOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `options must be an object, got ${kindOf(options)}`);
  }
  const { timeout, signal } = options;
  if (timeout !== undefined && typeof timeout !== 'number') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `timeout must be a number of ms, got ${kindOf(timeout)}`);
  }
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new PoolError('ERR_OUT_OF_RANGE', `timeout must be 0 ms or more, got ${timeout}`);
  }
  if (signal !== undefined && !isSignal(signal)) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `signal must be an AbortSignal, got ${kindOf(signal)}`);
  }
}

/** ms between two looks. */
export function checkInterval(ms: number): void {
  if (typeof ms !== 'number') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `interval must be a number of ms, got ${kindOf(ms)}`);
  }
  if (!(ms > 0 && ms < Infinity)) throw new PoolError('ERR_OUT_OF_RANGE', `interval must be more than 0 ms, got ${ms}`);
}

export function checkPath(path: unknown): string {
  if (typeof path !== 'string') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `the path of the device must be a string, got ${kindOf(path)}`);
  }
  if (path === '' || path.includes('\0')) {
    throw new PoolError('ERR_INVALID_ARG_VALUE', 'the path of the device is empty or has a null byte in it');
  }
  return path;
}

/** By its parts: a signal may come from another realm, or from a polyfill. */
function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
