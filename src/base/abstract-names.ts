/**
 * Names of abstract Unix sockets that are locks among the processes of a machine: whoever has bound one has the lock, and the
 * kernel takes it back with the process.
 */
import { createHash } from 'node:crypto';

/** Length of sun_path. */
const SUN_PATH = 108;

/**
 * The names of one lock, for {@link bindAll}; `what` is locked, for the `purpose`. One fills sun_path, so that every version of
 * Node binds the same (some append NULs to a shorter one, some don't); Bun binds none that long (EINVAL), and has the other alone.
 */
export function lockNames(purpose: string, what: string): readonly string[] {
  const digest = createHash('sha256').update(what).digest('hex').slice(0, 32);
  return [SUN_PATH, SUN_PATH - 1].map((length) => `\0pool-ts.${purpose}.${digest}`.padEnd(length, '.'));
}

/**
 * Binds all of `names` but those that this runtime can't bind, and gives what releases them.
 * @param bind gives what releases the one
 * @throws (rejects) what `bind` rejects with; nothing is held then
 */
export async function bindAll(
  names: readonly string[],
  bind: (name: string) => Promise<() => Promise<void>>,
): Promise<() => Promise<void>> {
  const held: (() => Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(held.map((one) => one()));
  };
  let impossible: unknown;
  for (const name of names) {
    try {
      held.push(await bind(name));
    } catch (error) {
      impossible = error;
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') continue;
      await release();
      throw error;
    }
  }
  if (held.length === 0) throw impossible;
  return release;
}
