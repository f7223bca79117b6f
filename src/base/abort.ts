/**
 * What an AbortSignal ends. Many operations on one signal have one listener: Node warns of a leak at the eleventh listener of
 * a signal, and a program may well give one signal to hundreds of calls.
 */

/** What wants to know that its signal fired. */
export interface Abortable {
  aborted(signal: AbortSignal): void;
}

const fans = new WeakMap<AbortSignal, AbortFan>();

class AbortFan {
  readonly #members = new Set<Abortable>();

  get empty(): boolean {
    return this.#members.size === 0;
  }

  add(member: Abortable): void {
    this.#members.add(member);
  }

  delete(member: Abortable): void {
    this.#members.delete(member);
  }

  handleEvent(event: Event): void {
    // A member that is told may take others out, which are not told then.
    for (const member of this.#members) member.aborted(event.target as AbortSignal);
  }
}

/** From now on `member` is told when the signal fires. */
export function listenForAbort(signal: AbortSignal, member: Abortable): void {
  let fan = fans.get(signal);
  if (fan === undefined) {
    fan = new AbortFan();
    fans.set(signal, fan);
    signal.addEventListener('abort', fan);
  }
  fan.add(member);
}

/** With its last member the listener leaves the signal. */
export function unlisten(signal: AbortSignal, member: Abortable): void {
  const fan = fans.get(signal);
  if (fan === undefined) return;
  fan.delete(member);
  if (!fan.empty) return;
  fans.delete(signal);
  signal.removeEventListener('abort', fan);
}

/** Throws the reason of a signal that has fired. That of a polyfill may have no `throwIfAborted` of its own. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

const nothing = (): void => {};

/** Calls `act` with the signal's reason: at once where it has fired, else when it fires. @returns what makes it not do so any more */
export function onAbort(signal: AbortSignal | undefined, act: (reason: unknown) => void): () => void {
  if (signal === undefined) return nothing;
  const member: Abortable = {
    aborted: () => {
      unlisten(signal, member);
      act(signal.reason);
    },
  };
  if (signal.aborted) {
    act(signal.reason);
    return nothing;
  }
  listenForAbort(signal, member);
  return () => unlisten(signal, member);
}

/** A signal's reason as what a promise rejects with: it may be anything, and is passed on as it is. */
export function asRejection(reason: unknown): Error {
  return reason as Error;
}

/** Settles when the signal fires; at once where it has. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => void onAbort(signal, () => resolve()));
}

/** Waits for what goes on anyway, for as long as the signal lets. What it comes to after that is its own affair. */
export function orAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return pending;
  return new Promise<T>((resolve, reject) => {
    // What goes on may never end; the signal is done with when it has fired.
    const done = onAbort(signal, reject);
    pending.then(resolve, reject).then(done, done);
  });
}
