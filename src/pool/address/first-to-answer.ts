/** Several addresses of one host: which of them gets the session (RFC 8305, "Happy Eyeballs"). */
import { asRejection, onAbort } from '../../base/abort.js';
import { PoolError } from '../../base/errors.js';
import type { Addr } from './addr.js';
import type { BackendSession } from '../backend.js';
import { clearTimeout, setTimeout } from '../../base/timers.js';

export interface FirstToAnswerOptions {
  /** Gives up: rejects with its reason, and with it every try that is under way. */
  signal: AbortSignal;
  /** ms after which the next address is tried beside the ones before; null tries it only when the ones before failed. */
  stagger: number | null;
}

/** One try of several for one session. */
export interface Try {
  /** Another try has won, or the dial was given up. */
  signal: AbortSignal;
  /**
   * Settles when this try may do what makes the peer open a session. One does so at a time, the next when it has failed:
   * those that lose leave no session behind at a server that would hand it out.
   */
  turn: () => Promise<void>;
}

/**
 * Dials the addresses in their order and takes the first session. Unlike `net.connect`, which gives a try up when the next
 * one begins, every try may go on until one of them has won: a slow peer is reached all the same. A session that comes
 * after the end is destroyed.
 *
 * When all failed: the error of the first address; where there were several, its cause is an AggregateError that lists each.
 */
export function firstToAnswer(
  addresses: readonly [Addr, ...Addr[]],
  dial: (address: Addr, attempt: Try) => Promise<BackendSession>,
  { signal, stagger }: FirstToAnswerOptions,
): Promise<BackendSession> {
  return new Promise((resolve, reject) => {
    const tries = new AbortController();
    const errors: PoolError[] = [];
    let [started, failed, over] = [0, 0, false];
    let timer: NodeJS.Timeout | undefined;
    let unlisten = (): void => {};
    /** Whose turn it is, and who waits for theirs, in the order in which their peers answered. */
    let turn: number | null = null;
    const waiting = new Map<number, () => void>();

    const takeTurn = (at: number): Promise<void> => {
      turn ??= at;
      return turn === at ? Promise.resolve() : new Promise((mine) => waiting.set(at, mine));
    };
    const passTurn = (at: number): void => {
      waiting.delete(at);
      if (turn !== at) return;
      const [next] = waiting;
      turn = next?.[0] ?? null;
      if (next === undefined) return;
      waiting.delete(next[0]);
      next[1]();
    };
    const finish = (): void => {
      over = true;
      clearTimeout(timer);
      unlisten();
    };
    const giveUp = (): void => {
      finish();
      tries.abort(signal.reason);
      reject(asRejection(signal.reason));
    };
    const won = (session: BackendSession): void => {
      if (over) return session.destroy();
      finish();
      if (started - failed > 1) tries.abort();
      resolve(session);
    };
    const lost = (at: number, error: unknown): void => {
      if (over) return;
      passTurn(at);
      failed += 1;
      errors[at] = error instanceof PoolError ? error : new PoolError('EIO', String(error), { cause: error });
      if (failed === addresses.length) {
        finish();
        reject(allFailed(addresses, errors));
      } else if (at === started - 1) {
        startNext();
      }
    };
    const startNext = (): void => {
      clearTimeout(timer);
      const at = started;
      const address = addresses[at];
      if (address === undefined) return;
      started += 1;
      if (stagger !== null && started < addresses.length) timer = setTimeout(startNext, stagger);
      dial(address, { signal: tries.signal, turn: () => takeTurn(at) }).then(won, (error: unknown) => lost(at, error));
    };

    unlisten = onAbort(signal, giveUp);
    if (!over) startNext();
  });
}

function allFailed(addresses: readonly Addr[], errors: readonly PoolError[]): PoolError {
  const [first] = errors as [PoolError];
  if (errors.length === 1) return first;
  const list = addresses.map((address, at) => `${address.toString()}: ${errors[at]?.message}`).join('; ');
  const others = errors.length - 1;
  return new PoolError(
    first.code,
    `${first.message} (${addresses[0]?.toString()}; ${others} other ${others === 1 ? 'address' : 'addresses'} failed too)`,
    { errno: first.errno, errors, cause: new AggregateError(errors, list) },
  );
}
