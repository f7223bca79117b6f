/**
 * The end of a process one of whose threads is inside a native call: Node's own end waits for the thread, and so for the call,
 * which may never return. _exit doesn't; it is made in a listener of 'exit', with all that Node would have done after that.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

type ExitListener = (code: number) => void;

export class ForcedExit {
  #fatal: { error: unknown } | null = null;

  /** Begins to watch for the error that ends the process: Node prints it only after 'exit'. Once. */
  install(): void {
    process.on('uncaughtExceptionMonitor', (error) => {
      const caught = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
      if (!caught) this.#fatal = { error };
    });
  }

  /** Called by `listener` of 'exit', with its code. */
  now(code: number, listener: ExitListener, exit: (code: number) => never): never {
    // The listeners after this one would not have their turn any more.
    const listeners = process.listeners('exit') as ExitListener[];
    for (const later of listeners.slice(listeners.indexOf(listener) + 1)) later.call(process, code);
    if (this.#fatal !== null) writeSync(2, `${inspect(this.#fatal.error)}\n\nNode.js ${process.version}\n`);
    return exit(Number(process.exitCode ?? code));
  }
}
