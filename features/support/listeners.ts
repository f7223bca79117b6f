/**
 * Where listeners of the scenarios come from. On a character device LISTEN leaves a thread behind that nothing stops
 * (kernel contract, section 2), so there one listener serves the whole run; elsewhere every scenario has its own.
 */
import { statSync } from 'node:fs';
import { type Listener, type ListenOptions, listen } from 'pool-ts';
import { endOf, EXPECTATIONS } from './expectations.js';

let kept: Listener | null = null;

/** A listener for one scenario; `release` gives it up at the scenario's end. */
export async function listenerFor(
  host: string,
  options: ListenOptions = {},
): Promise<{ listener: Listener; release: () => Promise<void> }> {
  const { backend, device, ground } = endOf('server');
  const chosen = { backend, device, ...options };
  const user = ground === 'user' || chosen.backend === 'user';
  const at = user || EXPECTATIONS[ground].listenHost === 'any' ? host : '';

  const keeps = !user && statSync(device, { throwIfNoEntry: false })?.isCharacterDevice() === true;
  if (!keeps) {
    const listener = await listen({ host: at, port: 0 }, chosen);
    return { listener, release: () => listener.close({ connections: 'destroy' }) };
  }
  if (kept === null) {
    const opened = await listen({ host: at, port: 0 }, chosen);
    kept = opened;
    void opened.closed.then(() => {
      if (kept === opened) kept = null;
    });
  }
  const listener = kept;
  return { listener, release: () => clear(listener) };
}

/** ms without a session after which none of the scenario's is expected any more; one is accepted within 50. */
const QUIET_MS = 500;

/** Ends the sessions that the scenario left without an owner: the next one would take them for its own. */
async function clear(listener: Listener): Promise<void> {
  for (;;) {
    const left = await listener.accept({ signal: AbortSignal.timeout(QUIET_MS) }).catch(() => null);
    if (left === null) return;
    left.destroy();
  }
}

/** At the end of the run. */
export async function closeKept(): Promise<void> {
  await kept?.close();
}
