/** In which order `top` shows sessions. */
import type { WatchedSession } from './session-history.js';
import { peerText } from './session-row.js';

/** What sessions can be sorted by. */
export const SORT_KEYS = ['index', 'peer', 'rtt', 'throughput', 'loss', 'uptime'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** An order; `descending` where the largest is at the top. */
export interface SortOrder {
  key: SortKey;
  descending: boolean;
}

/** The letter that chooses each, on the keyboard. */
export const LETTERS: Readonly<Record<string, SortKey>> = {
  i: 'index',
  p: 'peer',
  r: 'rtt',
  t: 'throughput',
  l: 'loss',
  u: 'uptime',
};

const VALUES: Readonly<Record<SortKey, (session: WatchedSession) => number | string>> = {
  index: ({ index }) => index,
  peer: peerText,
  rtt: ({ rttUs }) => rttUs,
  throughput: ({ sentRate, receivedRate }) => (sentRate ?? 0) + (receivedRate ?? 0),
  loss: ({ lossPercent }) => lossPercent,
  uptime: ({ uptimeSeconds }) => uptimeSeconds,
};

/** The order that `key` begins with: names from the first on, quantities from the largest on. */
export function orderBy(key: SortKey): SortOrder {
  return { key, descending: key !== 'index' && key !== 'peer' };
}

/** What choosing `key` makes of `order`: the same again is the reverse. */
export function chosen(order: SortOrder, key: SortKey): SortOrder {
  return order.key === key ? { key, descending: !order.descending } : orderBy(key);
}

/** A sorted copy; equals stay in the order of their slots. */
export function sorted(sessions: readonly WatchedSession[], { key, descending }: SortOrder): WatchedSession[] {
  const value = VALUES[key];
  const sign = descending ? -1 : 1;
  return sessions.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)];
    const first = typeof a === 'string' ? a.localeCompare(String(b), 'en', { numeric: true }) : a - Number(b);
    return sign * first || one.index - other.index;
  });
}
