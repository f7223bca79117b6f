/** A beat for what is looked at again and again. */
import { setTimeout as delay } from 'node:timers/promises';

/** How long to go on. */
export interface Beats {
  intervalMs: number;
  /** Ends it, also while it waits. */
  stop: AbortSignal;
  /** Beats at most; no end unless given. */
  count?: number | undefined;
}

/**
 * Calls `work` at once and then every `intervalMs`, counted from the start, so that slow work does not add up; a beat that
 * was missed is left out. Ends with `stop`, after `count` calls, and when `work` gives false. Rejects as `work` does.
 */
export async function repeat(
  { intervalMs, stop, count = Infinity }: Beats,
  work: (beat: number) => Promise<boolean | void>,
): Promise<void> {
  const start = performance.now();
  let due = 0;
  for (let beat = 0; beat < count && !stop.aborted; beat += 1) {
    if (beat > 0) {
      due = Math.max(due + 1, Math.ceil((performance.now() - start) / intervalMs));
      const wait = Math.max(0, start + due * intervalMs - performance.now());
      await delay(wait, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return;
    }
    if ((await work(beat)) === false) return;
  }
}
