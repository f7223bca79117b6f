/** koffi, through which system calls and OpenSSL are reached. The one place that loads it, and only when first asked. */
import type koffi from 'koffi';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { PoolError } from './errors.js';

type Koffi = typeof koffi;

/**
 * Loads koffi.
 * @throws PoolError ENOTSUP with the way out, where it can't be loaded
 */
export async function loadKoffi(load: () => Promise<{ default: Koffi }> = () => import('koffi')): Promise<Koffi> {
  try {
    return (await load()).default;
  } catch (cause) {
    throw new PoolError(
      'ENOTSUP',
      'koffi, which calls the system, could not be loaded; install pool-ts with its dependencies, and if a bundler made ' +
        "this program, mark koffi as external and keep it installed; or use backend 'user'",
      { cause },
    );
  }
}

/** Binds functions of `library` that fail with errno: each gives what the call gave, or the negative errno, taken right after it. */
export function errnoCalls({ errno }: Pick<Koffi, 'errno'>, library: LibraryHandle) {
  return <A extends unknown[]>(definition: string) => {
    const native = library.func(definition) as KoffiFunc<(...args: A) => number>;
    return (...args: A): number => {
      const ret = native(...args);
      return ret < 0 ? -errno() : ret;
    };
  };
}
