/** What a call refuses before any I/O. */
import { checkInteger, checkMilliseconds, isSignal, outOfRange, wrongType } from '../base/arguments.js';
import { bytesOf } from '../base/bytes.js';
import { namesOf, refuseUnknown } from '../base/option-names.js';
import { PoolError } from '../base/errors.js';
import { isLinkLocal, isV4Mapped } from '../base/ip.js';
import { AF_INET, AF_INET6, MAX_CHANNELS, MAX_PAYLOAD, MAX_SESSIONS } from './abi/constants.js';
import type { MessageAddress } from './requests.js';
import type {
  CallOptions,
  CloseSessionOptions,
  ConnectRequest,
  LateOptions,
  SendRequest,
  RingsOptions,
  TableChangeOptions,
} from './types.js';

/** Names of options, by the calls that take them. */
const NAMES = {
  call: namesOf<CallOptions>({ signal: true, timeout: true }),
  late: namesOf<LateOptions<unknown>>({ signal: true, timeout: true, onLate: true }),
  open: ['signal', 'timeout', 'workers', 'proc'],
  close: namesOf<CloseSessionOptions>({
    signal: true,
    timeout: true,
    abort: true,
    thread: true,
    sessionId: true,
    pair: true,
    onCall: true,
  }),
  tableChange: namesOf<TableChangeOptions>({ signal: true, interval: true, counters: true }),
  receive: ['message', 'count', 'timeout'],
  send: ['sent'],
  rings: namesOf<RingsOptions>({ message: true, room: true, refused: true, ended: true }),
};
const CONNECT_NAMES = namesOf<ConnectRequest>({ peerAddr: true, peerPort: true, addrFamily: true, poolVersion: true });
const MESSAGE_NAMES = ['sessionIdx', 'channel', 'flags', 'data'];

/**
 * Bytes that every session of the module takes: a longer message breaks one whose slot was never used before (kernel
 * contract, hazard 6).
 */
export const SAFE_PAYLOAD = 65511;
const MAX_PORT = 65535;
const MAX_POOL_VERSION = 2;

export const checkSession = (index: unknown): number => checkInteger('the session index', index, 0, MAX_SESSIONS - 1);
export const checkChannel = (channel: unknown): number => checkInteger('the channel', channel, 0, MAX_CHANNELS - 1);
export const checkFlags = (flags: unknown): number => checkInteger('flags', flags, 0, 0xff);
/** The id that a row of the session table has. */
export function checkSessionId(id: unknown): Uint8Array {
  const bytes = checkBytes('the session id', id);
  if (bytes.length === 16) return bytes;
  throw new PoolError('ERR_OUT_OF_RANGE', `a session id has 16 bytes, not ${bytes.length}`);
}
/** Port 0 is refused, too: LISTEN would open one that can't be learned (kernel contract, section 2). */
export const checkPort = (port: unknown): number => checkInteger('the port', port, 1, MAX_PORT);

/** A message to send. */
export function checkData(data: unknown, isModule: boolean): Uint8Array {
  const bytes = checkBytes('data', data);
  if (bytes.length === 0) throw new PoolError('ERR_OUT_OF_RANGE', 'data has no byte: SEND takes no empty message');
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
  if (bytes.length === 0) throw new PoolError('ERR_OUT_OF_RANGE', 'the buffer has no byte to receive into');
  return bytes;
}

function checkBytes(name: string, value: unknown): Uint8Array {
  const bytes = bytesOf(value);
  if (bytes !== null) return bytes;
  throw wrongType(name, 'an ArrayBuffer or a view of bytes', value);
}

/** A request of CONNECT with all that it may leave out. */
export interface CheckedConnect extends Required<ConnectRequest> {
  peerAddr: Uint8Array;
}

/** Fills in the defaults. */
export function checkConnect(request: ConnectRequest): CheckedConnect {
  if (typeof request !== 'object' || request === null) throw wrongType('a connect request', 'an object', request);
  refuseUnknown(request, CONNECT_NAMES);
  const { peerAddr, peerPort, addrFamily = AF_INET6, poolVersion = 0 } = request;
  const address = checkBytes('peerAddr', peerAddr);
  if (address.length !== 16) {
    throw new PoolError('ERR_OUT_OF_RANGE', `peerAddr has 16 bytes, not ${address.length}; ipv4ToMapped makes them`);
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

/** A request of SEND or RECV: an object with no other names; its data are still to be checked. Fills in the defaults. */
export function checkRequest(request: unknown): MessageAddress & { data: unknown } {
  if (typeof request !== 'object' || request === null) throw wrongType('a request', 'an object', request);
  refuseUnknown(request, MESSAGE_NAMES);
  const { sessionIdx, channel = 0, flags = 0, data } = request as Partial<Record<keyof SendRequest, unknown>>;
  return { sessionIdx: checkSession(sessionIdx), channel: checkChannel(channel), flags: checkFlags(flags), data };
}

/** An object, and no option that `call` doesn't take. */
export function checkCallNames(options: unknown, call: keyof typeof NAMES): void {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
  refuseUnknown(options, NAMES[call]);
}

/** What `call` takes and no more; ms are not negative, a signal is one. */
export function checkCallOptions(options: CallOptions, call: keyof typeof NAMES = 'call'): void {
  checkCallNames(options, call);
  const { timeout, signal } = options;
  if (timeout !== undefined && typeof timeout !== 'number') throw wrongType('timeout', 'a number of ms', timeout);
  if (timeout !== undefined && !(timeout >= 0)) throw outOfRange('timeout', 'a number of ms from 0', timeout);
  if (signal !== undefined && !isSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
}

/** ms between two looks. */
export function checkInterval(ms: number): void {
  if (checkMilliseconds('interval', ms) === 0) throw outOfRange('interval', 'a number of ms above 0', ms);
}
