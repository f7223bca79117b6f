/** What became of a file: a line for the person, an object for a script. */
import { bytesText, rateText } from '../screen/quantities.js';
import { clockText } from './clock.js';

export interface Result {
  name: string;
  /**
   * `sent` and `received`: confirmed, on disk under its final name. `identical`: it was there already. `failed`: it is not
   * there. `unknown`: everything was sent and nothing was confirmed.
   */
  status: 'sent' | 'received' | 'identical' | 'failed' | 'unknown';
  /** Bytes of the file. */
  size: number;
  /** Bytes that were there from an earlier try. */
  resumedFrom: number;
  seconds: number;
  /** Hexadecimal. */
  sha256?: string | undefined;
  /** The other side. */
  peer: string;
  error?: string | undefined;
}

/** `sent NAME: 1.00 GB in 0:12 (81.2 MB/s), SHA-256 …`. */
export function resultLine({ name, status, size, resumedFrom, seconds, sha256, error }: Result): string {
  if (error !== undefined) return error;
  if (status === 'identical')
    return `identical ${name}: ${bytesText(size)} were there already, SHA-256 ${sha256 ?? ''}`;
  const moved = size - resumedFrom;
  // Of what took no time a speed says nothing.
  const speed = seconds < 1 ? '' : ` in ${clockText(seconds)} (${rateText(moved / seconds)})`;
  const resumed = resumedFrom > 0 ? `, resumed at ${bytesText(resumedFrom)}` : '';
  return `${status} ${name}: ${bytesText(size)}${speed}${resumed}, SHA-256 ${sha256 ?? ''}`;
}
