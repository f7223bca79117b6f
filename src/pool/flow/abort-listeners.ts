/**
 * Many operations on one AbortSignal with one listener: Node warns of a leak at the eleventh listener of a signal, and a
 * program may well give one signal to hundreds of calls.
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
export function listen(signal: AbortSignal, member: Abortable): void {
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
