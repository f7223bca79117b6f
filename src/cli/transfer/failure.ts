/** What can go wrong with a file, by the word that one side tells the other, and the exit code that it means to both. */
import { PoolError } from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

const EXIT_OF_REASON = {
  /** The name is not one that a receiver takes. */
  name: EXIT.CANNOT_CREATE,
  /** Something else has that name already. */
  exists: EXIT.CANNOT_CREATE,
  /** Another transfer writes that file. */
  busy: EXIT.TEMPORARY,
  /** The disk is full or broken. */
  disk: EXIT.IO,
  /** The system forbids it. */
  denied: EXIT.NO_PERMISSION,
  /** What is stored is not what was sent. */
  digest: EXIT.DATA,
  /** The other side broke the rules of docs/file-transfer.md. */
  protocol: EXIT.PROTOCOL,
  /** This side was told to stop. */
  stopped: EXIT.TEMPORARY,
  /** The file changed while it was sent. */
  changed: EXIT.TEMPORARY,
  /** The file can't be read any more. */
  unreadable: EXIT.NO_INPUT,
  other: EXIT.FAILURE,
} as const satisfies Record<string, ExitCode>;

/** Why a file did not arrive, in one word. */
export type Reason = keyof typeof EXIT_OF_REASON;

/** A failure of this side, which the other side is told, or of the other side, which it told. */
export class TransferFailure extends CliError {
  constructor(
    readonly reason: Reason,
    message: string,
    { exitCode = EXIT_OF_REASON[reason], ...options }: ErrorOptions & { exitCode?: ExitCode } = {},
  ) {
    super(exitCode, message, options);
  }
}

/** The reason for a word of the peer's: a word of a later version is `other`. */
export function reasonOf(word: string): Reason {
  return Object.hasOwn(EXIT_OF_REASON, word) ? (word as Reason) : 'other';
}

/** A peer that broke the rules. */
export function broken(message: string): TransferFailure {
  return new TransferFailure('protocol', message);
}

const REASON_OF_ERRNO: Readonly<Record<string, Reason>> = {
  ENOSPC: 'disk',
  EDQUOT: 'disk',
  EIO: 'disk',
  EFBIG: 'disk',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENAMETOOLONG: 'name',
  EEXIST: 'exists',
  ELOOP: 'exists',
  EISDIR: 'exists',
};

const TEXT_OF_ERRNO: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EIO: 'input/output error of the disk',
  EFBIG: 'the file is too large for this file system',
  EACCES: 'permission denied',
  EPERM: 'the system forbids it',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long for this file system',
  ELOOP: 'there is a symbolic link of that name',
  EISDIR: 'there is a folder of that name',
  ENOENT: 'no such file or folder',
};

/** Whatever was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** An error of the file system as a failure: `what` was to be done, in words that go before the reason. */
export function diskFailure(what: string, error: unknown): Error {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  // An error of pool-ts may carry an errno too, and is none of the disk's.
  if (error instanceof CliError || error instanceof PoolError || code === undefined || errno === undefined) {
    return asError(error);
  }
  const text = TEXT_OF_ERRNO[code];
  const message = text === undefined ? `${what}: ${code}` : `${what}: ${text} (${code})`;
  return new TransferFailure(REASON_OF_ERRNO[code] ?? 'other', message, { cause: error });
}
