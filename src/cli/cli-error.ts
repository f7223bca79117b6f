/** What a command ends with: a line for the person, and an exit code for scripts. */
import { PoolError } from '../index.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { printable } from './screen/text-width.js';

/** A failure that a command understands well enough to name its exit code. Its message is one line without a full stop. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Codes of pool-ts and of the system, and what they end a command with. What stands in neither list is a FAILURE. */
const EXIT_OF_CODE: Readonly<Record<string, ExitCode>> = {
  ERR_POOL_INVALID_ADDRESS: EXIT.USAGE,
  ERR_INVALID_ARG_TYPE: EXIT.USAGE,
  ERR_INVALID_ARG_VALUE: EXIT.USAGE,
  ERR_OUT_OF_RANGE: EXIT.USAGE,
  ERR_POOL_SESSION_FULL: EXIT.TEMPORARY,
  ERR_POOL_TIMEOUT: EXIT.TEMPORARY,
  ETIMEDOUT: EXIT.TEMPORARY,
  ERR_POOL_PROTOCOL: EXIT.PROTOCOL,
  ERR_POOL_AUTH_FAILED: EXIT.PROTOCOL,
  ERR_POOL_ABI_MISMATCH: EXIT.UNAVAILABLE,
  ENOTFOUND: EXIT.NO_HOST,
  EAI_AGAIN: EXIT.NO_HOST,
  EACCES: EXIT.NO_PERMISSION,
  EPERM: EXIT.NO_PERMISSION,
  ENOSPC: EXIT.IO,
  EDQUOT: EXIT.IO,
  EIO: EXIT.IO,
  EFBIG: EXIT.IO,
};

/** What pool-ts says of a device that is not there, or is none, or has nothing to drive it. */
export const NO_DEVICE: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENXIO',
  'ENODEV',
  'ENOTTY',
  'EISDIR',
  'ENOTSUP',
]);

function isMissingDevice(error: PoolError): boolean {
  // At open or stat a mount whose server has ended; anywhere else a session that is no longer connected.
  const isStaleMount = error.code === 'ENOTCONN' && (error.syscall === 'open' || error.syscall === 'stat');
  return isStaleMount || NO_DEVICE.has(error.code);
}

/** The exit code that `error` ends a command with; null where it is not a failure that a person could have caused. */
export function exitCodeOf(error: unknown): ExitCode | null {
  if (error instanceof CliError) return error.exitCode;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return null;
  // Of a pipe it is the end of whoever read our output; of a session it is the peer's, and a failure like others.
  if (code === 'EPIPE' && !(error instanceof PoolError)) return EXIT.SIGPIPE;
  if (Object.hasOwn(EXIT_OF_CODE, code)) return EXIT_OF_CODE[code] ?? null;
  if (error instanceof PoolError && isMissingDevice(error)) return EXIT.UNAVAILABLE;
  // The system's own errors carry an errno, ours the brand. Anything else with a code is a fault in the program.
  return error instanceof PoolError || 'errno' in (error as object) ? EXIT.FAILURE : null;
}

/** The one line that says what happened: `message (CODE)`. Names of files, hosts and mounts in it may be somebody else's. */
export function lineOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: unknown };
  const text = asTyped(printable((message ?? String(error)).split('\n', 1)[0] ?? ''));
  return typeof code !== 'string' || text.includes(code) ? text : `${text} (${code})`;
}

/** What nobody but us could have caused: here the stack is what a report needs. */
export function faultOf(error: unknown): string {
  return `this is a fault of pool-ts: ${(error as Error | null)?.stack ?? String(error)}`;
}

/** What pool-ts tells programs to pass, as a person types it. */
export function asTyped(text: string): string {
  return text.replace(/\bbackend:? '(auto|kernel|user)'/g, '--backend $1');
}
