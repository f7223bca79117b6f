/**
 * The one error class of pool-ts and its codes. It lives below every layer, so that each of them throws the same class.
 */

const BRAND = Symbol.for('pool-ts.PoolError');

/** The codes that pool-ts itself gives. Where the system failed, `code` is the errno name instead (`ECONNREFUSED`...). */
export const POOL_ERROR_CODES = [
  'ERR_POOL_SESSION_FULL',
  'ERR_POOL_AUTH_FAILED',
  'ERR_POOL_CLOSED',
  'ERR_POOL_TIMEOUT',
  'ERR_POOL_MESSAGE_TOO_LARGE',
  'ERR_POOL_NET_UNREACHABLE',
  'ERR_POOL_NOT_ESTABLISHED',
  'ERR_POOL_PEER_LOST',
  'ERR_POOL_PROTOCOL',
  'ERR_POOL_REQUEST_FAILED',
  'ERR_POOL_ABI_MISMATCH',
  'ERR_POOL_LOCKED',
  'ERR_POOL_INVALID_ADDRESS',
  'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  'ABORT_ERR',
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_OUT_OF_RANGE',
] as const;

/** One of the codes that pool-ts itself gives. */
export type PoolErrorCode = (typeof POOL_ERROR_CODES)[number];

/** What a {@link PoolError} carries beside its message. */
export interface PoolErrorDetails {
  /** The system's error number, with either sign. */
  errno?: number | undefined;
  /** The system call or operation that failed: `open`, `ioctl`, `connect`, `dial`... */
  syscall?: string | undefined;
  /** The address that the operation was about. */
  address?: string | undefined;
  /** The port that the operation was about. */
  port?: number | undefined;
  /** Of a `write` that stopped between messages: bytes that went out. */
  bytesWritten?: number | undefined;
  /** Of a `writeMessages` that stopped between messages: messages that went out. */
  messagesWritten?: number | undefined;
  /** Of a dial to several addresses: the error of each, in their order. */
  errors?: readonly Error[] | undefined;
  /** What caused this error. */
  cause?: unknown;
}

/**
 * Every error of pool-ts. `instanceof PoolError` holds across the ESM and the CommonJS copy of the package, because it
 * asks for a brand and not for the class.
 */
export class PoolError extends Error {
  /** A {@link PoolErrorCode}, or the errno name where the system failed. Stable: programs may switch on it. */
  readonly code: PoolErrorCode | (string & {});
  // Declared only: a field that an error doesn't have is not printed with it as undefined.
  /** The system's error number, negative as on Node's own errors: `util.getSystemErrorName` takes it. */
  declare readonly errno?: number;
  /** The system call or operation that failed: `open`, `ioctl`, `connect`, `dial`... */
  declare readonly syscall?: string;
  /** The address that the operation was about. */
  declare readonly address?: string;
  /** The port that the operation was about. */
  declare readonly port?: number;
  /** Of a `write` that stopped between messages: bytes that went out. */
  declare readonly bytesWritten?: number;
  /** Of a `writeMessages` that stopped between messages: messages that went out. */
  declare readonly messagesWritten?: number;
  /** Of a dial to several addresses: the error of each, in their order, as on net's AggregateError. */
  declare readonly errors?: readonly Error[];

  constructor(code: PoolErrorCode | (string & {}), message: string, details: PoolErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    for (const [name, value] of Object.entries(details)) {
      // The cause is Error's own, and not enumerable there.
      if (name === 'cause' || value === undefined) continue;
      const shown: unknown = name === 'errno' ? -Math.abs(value as number) : value;
      Object.defineProperty(this, name, { value: shown, enumerable: true });
    }
  }

  /** For JSON.stringify: name, code, message and details; of causes the same, and never a stack. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, cause } = this;
    const details = Object.entries(this).filter(([key]) => key !== 'code');
    const why = cause instanceof Error ? { cause: errorJson(cause) } : {};
    return { name, code, message, ...Object.fromEntries(details), ...why };
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'PoolError', configurable: true, writable: true });
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }

  /** Whether a deadline or a timeout passed, as on Go's net.Error. */
  get timeout(): boolean {
    return this.code === 'ERR_POOL_TIMEOUT' || this.code === 'ETIMEDOUT';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass keeps the ordinary rule; the brand answers for the base class only. The class is not asked for by its name:
    // the bundler would call it _PoolError then, and so would Node where it prints an error.
    if (!Object.hasOwn(this.prototype, BRAND)) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** What a failure says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of an error of somebody else what says what happened: its other properties may be anything. */
function errorJson(error: Error & { code?: unknown }): unknown {
  if (error instanceof PoolError) return error;
  const { name, code, message } = error;
  const errors: unknown = error instanceof AggregateError ? error.errors : undefined;
  return {
    name,
    ...(typeof code === 'string' ? { code } : {}),
    message,
    ...(Array.isArray(errors) ? { errors: errors.filter((one) => one instanceof Error).map(errorJson) } : {}),
  };
}
