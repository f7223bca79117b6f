/** Looks at every error of a class, wherever it is made, without a change to the class. */
import { inspect } from 'node:util';
import { keyMaterialIn } from './key-material.js';

/** Errors that differ by numbers only are looked at once; of more than this many nothing new is expected. */
const MOST = 2000;

/**
 * From now on each error of `type` is searched for key material when the code that makes it has run: its message, all that
 * inspection shows, its causes and its JSON. `tell` gets what was found, and where.
 */
export function watchErrors(type: { readonly prototype: Error }, tell: (what: string) => void): { stop(): void } {
  const base = Object.getPrototypeOf(type) as ErrorConstructor;
  const seen = new Set<string>();
  const look = (error: Error): void => {
    const shape = error.message.replace(/\d+/g, '0');
    if (seen.size >= MOST || seen.has(shape)) return;
    seen.add(shape);
    const found = keyMaterialIn(`${inspect(error, { depth: 8, showHidden: true })}\n${JSON.stringify(error)}`);
    if (found !== null) tell(found);
  };
  function Watched(this: unknown, ...args: [string?, ErrorOptions?]): Error {
    const error = Reflect.construct(base, args, new.target ?? base) as Error;
    // Its maker has yet to set its properties. A promise, for timers may be the test's own.
    void Promise.resolve().then(() => look(error));
    return error;
  }
  Object.setPrototypeOf(Watched, base);
  Watched.prototype = base.prototype;
  Object.setPrototypeOf(type, Watched);
  return { stop: () => void Object.setPrototypeOf(type, base) };
}
