/** A beat for what is looked at again and again. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Yields at once and then every `intervalMs`, counted from the start, so that slow work in between does not add up; a beat
 * that was missed is left out. Ends when `stop` aborts, and after `count` beats.
 */
export async function* ticks(intervalMs: number, stop: AbortSignal, count = Infinity): AsyncGenerator<number> {
  const start = performance.now();
  for (let beat = 0, given = 0; !stop.aborted; given += 1) {
    yield given;
    if (given + 1 >= count) return;
    beat = Math.max(beat + 1, Math.ceil((performance.now() - start) / intervalMs));
    const wait = start + beat * intervalMs - performance.now();
    await delay(Math.max(0, wait), undefined, { signal: stop }).catch(() => undefined);
  }
}
