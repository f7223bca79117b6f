/** Files that hold keys: who may own them, and who may read or write them. */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PoolError } from '../../base/errors.js';

/** What others must not be able to do with a file: read a secret, or add a key to a list. */
export type KeyFileKind = 'secret' | 'list';

const FORBIDDEN = { secret: 0o077, list: 0o022 } as const;

/** A file that was read, and what tells whether it has changed since. */
export interface KeyFile {
  readonly text: string;
  /** Device, inode, size and times: another value is another content. */
  readonly version: string;
}

/**
 * @param what for messages: `identity`, `peers`, `psk`
 * @throws PoolError the errno name where it can't be read; ERR_INVALID_ARG_VALUE where it is no regular file, too large, or
 * others may read a secret or write a list
 */
export async function readKeyFile(path: string, what: string, kind: KeyFileKind, maxBytes: number): Promise<KeyFile> {
  const handle = await openKeyFile(path, what);
  try {
    // Asked of the descriptor: the name may mean another file a moment later.
    const stat = await handle.stat({ bigint: true });
    const wrong = (why: string): PoolError => new PoolError('ERR_INVALID_ARG_VALUE', `${what} ${path}: ${why}`);
    if (!stat.isFile()) throw wrong('it is no regular file');
    const mode = Number(stat.mode) & 0o777;
    const user = process.geteuid?.();
    if (user !== undefined && stat.uid !== BigInt(user) && stat.uid !== 0n) {
      throw wrong(`it belongs to user ${stat.uid}, who is neither you nor root`);
    }
    if (user !== undefined && (mode & FORBIDDEN[kind]) !== 0) {
      const risk = kind === 'secret' ? 'others can read the secret' : 'others can add keys to it';
      const fix = kind === 'secret' ? '600' : 'go-w';
      throw wrong(`its mode is 0${mode.toString(8)}: ${risk}; chmod ${fix} ${path}`);
    }
    if (stat.size > BigInt(maxBytes)) throw wrong(`it has ${stat.size} bytes; ${maxBytes} are the most`);
    const text = await handle.readFile('utf8');
    const { dev, ino, size, mtimeNs, ctimeNs } = stat;
    return { text, version: [dev, ino, size, mtimeNs, ctimeNs].join(' ') };
  } finally {
    await handle.close();
  }
}

async function openKeyFile(path: string, what: string): Promise<FileHandle> {
  try {
    // Without waiting: a FIFO of that name would never open.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code = 'EIO', errno, syscall } = cause as NodeJS.ErrnoException;
    throw new PoolError(code, `${what} ${path}: it can't be read (${code})`, { errno, syscall, cause });
  }
}

/** The path of an option that is a URL or `{ file }`; undefined when it is neither. @throws PoolError ERR_INVALID_ARG_VALUE */
export function fileOf(value: unknown, what: string): string | undefined {
  if (value instanceof URL) return pathOf(value, what);
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'file')) return undefined;
  const { file } = value as { file: unknown };
  if (file instanceof URL) return pathOf(file, what);
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return file;
  throw new PoolError('ERR_INVALID_ARG_VALUE', `options.${what}.file is the path of a file, or a file: URL`);
}

function pathOf(url: URL, what: string): string {
  if (url.protocol !== 'file:') {
    throw new PoolError('ERR_INVALID_ARG_VALUE', `options.${what} is a file: URL, not one of ${url.protocol}`);
  }
  return fileURLToPath(url);
}
