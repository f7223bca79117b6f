/** A program's own function in the place of `dns.lookup`, which may do anything. */
import type { LookupFunction } from 'node:net';

type Callback = Parameters<LookupFunction>[2];

/**
 * The same lookup, whose failures all come by its callback, once: also what it throws, which Node would let through, and what
 * it rejects with where it is an async function, which nobody would hear of.
 */
export function guardLookup(lookup: LookupFunction): LookupFunction {
  return (host, options, callback) => {
    let told = false;
    const tell: Callback = (...answer) => {
      if (told) return;
      told = true;
      callback(...answer);
    };
    const fail = (reason: unknown): void => tell((reason ?? new Error(String(reason))) as NodeJS.ErrnoException, '');
    try {
      const returned: unknown = lookup(host, options, tell);
      void Promise.resolve(returned).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}
