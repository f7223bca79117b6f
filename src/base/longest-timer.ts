/** ms: the longest time that setTimeout takes; it would run anything longer at once. About 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
