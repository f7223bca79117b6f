/** What a bridge tells of itself: counts, amounts and rates, in one line. */
import { bytesText, rateText } from '../screen/quantities.js';
import type { BridgeStatus } from './open-links.js';

/** Bytes a second since the status before. */
export interface Rates {
  toPool: number;
  toTcp: number;
}

/** Counts two readings of a status into rates. */
export class BridgeRates {
  #last: { at: number; toPool: number; toTcp: number };

  /** @param now ms */
  constructor(now: number) {
    this.#last = { at: now, toPool: 0, toTcp: 0 };
  }

  read({ toPool, toTcp }: BridgeStatus, now: number): Rates {
    const { at, ...before } = this.#last;
    const seconds = Math.max(now - at, 1) / 1000;
    this.#last = { at: now, toPool, toTcp };
    return { toPool: (toPool - before.toPool) / seconds, toTcp: (toTcp - before.toTcp) / seconds };
  }
}

/** `2 open, 10 done; to POOL 1.2 GB, 12 MB/s; to TCP 13 kB, 0 B/s`. Without rates for a summary. */
export function statusLine(status: BridgeStatus, rates?: Rates): string {
  const { open, done, broken, refused } = status;
  const counts = Object.entries({ open, done, broken, refused })
    .filter(([name, count]) => count > 0 || name === 'open' || name === 'done')
    .map(([name, count]) => `${count} ${name}`);
  const way = (name: string, key: keyof Rates): string =>
    `to ${name} ${bytesText(status[key])}${rates === undefined ? '' : `, ${rateText(rates[key])}`}`;
  return [counts.join(', '), way('POOL', 'toPool'), way('TCP', 'toTcp')].join('; ');
}
