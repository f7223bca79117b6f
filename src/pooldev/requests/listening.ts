/** LISTEN and STOP: one listener a device, as the module has one a machine (kernel contract, section 2). */
import type { NodeListener, NodeSession, PoolNode } from '../../poolnode/types.js';
import { Errno } from '../../base/errno.js';
import { errnoOf } from './node-errors.js';

export interface ListeningOptions {
  node: PoolNode;
  /** '' is every address, both families. */
  host: string;
  strictModule: boolean;
  session: (session: NodeSession) => void;
  /** A port was opened or closed. */
  changed: () => void;
}

export class Listening {
  readonly #options: ListeningOptions;
  #listener: { port: number; node: NodeListener } | null = null;
  #lastPort = 0;
  /** LISTENs and STOPs take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /** The port that is open, or 0. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** The one that was opened last, also after STOP; 0 before the first. */
  get lastPort(): number {
    return this.#lastPort;
  }

  /** Settles with 0 or a positive errno. */
  listen(port: number): Promise<number> {
    return this.#inTurn(async () => {
      if (this.#listener !== null) {
        // The module says 0 and opens nothing: the caller believes that its port is open.
        return this.#options.strictModule || this.#listener.port === port ? 0 : Errno.EADDRINUSE;
      }
      // A port that the system picks can't be learned through the device.
      if (port === 0 && !this.#options.strictModule) return Errno.EINVAL;
      try {
        const { host, node, session, changed } = this.#options;
        // As the module has it: one address may fill the table, and a program's tests on loopback do.
        const maxSessionsPerAddress = node.maxSessions;
        this.#listener = { port, node: await node.listen({ host, port, session, maxSessionsPerAddress }) };
        this.#lastPort = port;
        changed();
        return 0;
      } catch (error) {
        return errnoOf(error);
      }
    });
  }

  /** Settles when the port is free again. Sessions stay. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const listener = this.#listener;
      this.#listener = null;
      if (listener === null) return;
      this.#options.changed();
      await listener.node.close();
    });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
