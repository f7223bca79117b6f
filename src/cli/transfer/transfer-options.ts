/** What both sides of a transfer are given. */
import type { ProgressView } from './progress-view.js';
import type { Result } from './result.js';

export interface TransferOptions {
  /** ms of silence after which the peer is given up. */
  idleTimeout: number;
  /** Ends the transfer; what has arrived stays, to go on from. */
  signal: AbortSignal;
  view: ProgressView;
  /** Called once for every file, whatever became of it. */
  report(result: Result, error: unknown): void;
  /** The other side, for results. */
  peer: string;
}
