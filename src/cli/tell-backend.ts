/** `--verbose`: which backend a command's dials and listeners got, and why, on standard error. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DiagnosticsPayloads } from '../index.js';
import { tell, type Terminal } from './terminal.js';

/** Tells of each choice that is another than the last one; returns what ends that. */
export function tellBackend(terminal: Pick<Terminal, 'stderr'>): () => void {
  let last = '';
  const told = (message: unknown): void => {
    const { backend, reason } = message as DiagnosticsPayloads['pool.backend.select'];
    const line = `backend ${backend}: ${reason}`;
    if (line !== last) tell(terminal, line);
    last = line;
  };
  subscribe('pool.backend.select', told);
  return () => void unsubscribe('pool.backend.select', told);
}
