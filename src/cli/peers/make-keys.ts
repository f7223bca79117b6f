/** Files of new keys. Nothing is overwritten, and nothing is left of what could not be made whole. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname } from 'node:path';
import { generateIdentity, type GeneratedIdentity } from '../../index.js';
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { configFile } from './proof.js';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes `path` and `path.pub`. @throws (rejects) CliError where one of them is there already, or can't be made */
export async function makeIdentity(path: string, comment: string): Promise<GeneratedIdentity> {
  const identity = generateIdentity({ comment });
  await create(`${path}.pub`, `${identity.line}\n`, PUBLIC_MODE);
  try {
    await create(path, identity.pem, SECRET_MODE);
  } catch (error) {
    await rm(`${path}.pub`, { force: true });
    throw error;
  }
  return identity;
}

/** A secret in base64, as `wg genpsk` makes; in `path`, where one is given. @throws (rejects) as {@link makeIdentity} */
export async function makePsk(path?: string): Promise<string> {
  const secret = randomBytes(32).toString('base64');
  if (path !== undefined) await create(path, `${secret}\n`, SECRET_MODE);
  return secret;
}

/** The file of this user's key, in a folder that is there then. */
export async function usualIdentity(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const path = configFile('identity', env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new CliError(EXIT.CANNOT_CREATE, lineOf(cause), { cause });
  });
  return path;
}

/** `user@host`, as ssh-keygen has it. */
export function usualComment(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without a name, as in containers.
    return hostname();
  }
}

async function create(path: string, text: string, mode: number): Promise<void> {
  let made = false;
  try {
    // Exclusively: neither a file that is there nor what a link points to is touched.
    const handle = await open(path, 'wx', mode);
    made = true;
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (made) await rm(path, { force: true });
    throw notMade(path, cause);
  }
}

function notMade(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EEXIST') {
    return new CliError(
      EXIT.CANNOT_CREATE,
      `${path} is there already, and a key is never overwritten: name another file`,
    );
  }
  if (code === 'ENOENT') {
    return new CliError(EXIT.CANNOT_CREATE, `there is no folder ${dirname(path)}, make it first`, { cause });
  }
  return cause;
}
