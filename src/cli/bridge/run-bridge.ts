/** A bridge from its opening to its end. */
import { whenAborted } from '../../base/abort.js';
import type { Links } from './open-links.js';
import type { Reporter } from './reporter.js';
import { BridgeRates } from './status.js';
import type { Front } from './tcp-to-pool.js';

export interface RunOptions {
  links: Links;
  reporter: Reporter;
  /** ms that links have to end by themselves. */
  grace: number;
  /** Ends the bridge. */
  stop: AbortSignal;
}

/**
 * Reports until `stop` fires; then takes no more connections, and ends those that are open.
 * @throws (rejects) what made listening fail
 */
export async function runBridge(front: Front, { links, reporter, grace, stop }: RunOptions): Promise<void> {
  const meter = new BridgeRates(performance.now());
  const report = (): void => reporter.status(links.status, meter.read(links.status, performance.now()));
  const timer = setInterval(report, reporter.interval);
  try {
    await Promise.race([whenAborted(stop), front.failed]);
  } finally {
    await front.close();
    await links.end(grace);
    clearInterval(timer);
    reporter.ended(links.status);
  }
}
