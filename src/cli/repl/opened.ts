/** dial and listen as a REPL has them: with its defaults, and each remembered until it is closed. */
import type { Conn, dial, Listener, listen } from '../../index.js';

type Dial = typeof dial;
type Listen = typeof listen;

/** What is put before the options of every dial and listen. */
export type Defaults = NonNullable<Parameters<Dial>[1]> & NonNullable<Parameters<Listen>[1]>;

/** How to open: pool-ts's own, or what stands before it. */
export interface Openers {
  dial: Dial;
  listen: Listen;
}

export interface Opened extends Openers {
  /** What is open, in the order of opening. */
  list(): (Conn | Listener)[];
  /** Closes all that is open, the connections that listeners accepted included. Never rejects. */
  closeAll(): Promise<void>;
}

export function remembering(openers: Openers, defaults: Defaults): Opened {
  const open = new Set<Conn | Listener>();
  const remember = <T extends Conn | Listener>(opened: T): T => {
    open.add(opened);
    void opened.closed.then(() => open.delete(opened));
    return opened;
  };
  // What is no object stays what it is, so that it is refused in pool-ts's own words.
  const merged = <O extends object>(options: O | undefined): O =>
    options === undefined || (typeof options === 'object' && options !== null)
      ? ({ ...defaults, ...options } as O)
      : options;
  return {
    dial: async (address, options) => remember(await openers.dial(address, merged(options))),
    listen: async (address, options) => remember(await openers.listen(address, merged(options))),
    list: () => [...open],
    async closeAll() {
      const closing = [...open].map((one) => ('accept' in one ? one.close({ connections: 'close' }) : one.close()));
      await Promise.allSettled(closing);
    },
  };
}
