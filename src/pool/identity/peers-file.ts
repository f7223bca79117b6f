/**
 * A file of peers, in the form of ssh's authorized_keys: one key a line. What limits a key there (options before it) is not
 * enforced here, so such a key admits nobody.
 */
import { PoolError } from '../../base/errors.js';
import { parsePublicKeyLine, type PublicKey } from '../../base/public-key.js';

/** Bytes. */
export const MAX_PEERS_FILE_BYTES = 1 << 20;
/** Bytes. */
const MAX_LINE_BYTES = 8192;

/** A line that admits nobody, and why. */
export interface SkippedLine {
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

export interface PeersFile {
  readonly keys: readonly PublicKey[];
  readonly skipped: readonly SkippedLine[];
}

const OTHER_TYPES = /^(ssh-(rsa|dss)|ecdsa-sha2-\S+|sk-\S+|\S+-cert-v01@\S+)$/;

/**
 * @param file its name, for messages
 * @throws PoolError ERR_INVALID_ARG_VALUE with file and line, for a line that means to be an Ed25519 key and is none
 */
export function parsePeersFile(text: string, file: string): PeersFile {
  const keys: PublicKey[] = [];
  const skipped: SkippedLine[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.replace(/\r$/, '').replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const number = index + 1;
    const wrong = (what: string): PoolError =>
      new PoolError('ERR_INVALID_ARG_VALUE', `peers ${file}, line ${number}: ${what}`);
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) throw wrong(`it is longer than ${MAX_LINE_BYTES} bytes`);
    const type = /^\S+/.exec(line)![0];
    if (type === 'ssh-ed25519') {
      try {
        keys.push(parsePublicKeyLine(line));
      } catch (error) {
        throw wrong(`it ${(error as Error).message}`);
      }
    } else if (OTHER_TYPES.test(type)) {
      skipped.push({ line: number, why: `a key of type ${type} proves nothing here: ssh-ed25519 does` });
    } else if (optionsEnd(line) === null) {
      throw wrong('its quotes are not closed');
    } else {
      skipped.push({ line: number, why: 'it limits its key by options, which are not enforced here' });
    }
  }
  return { keys, skipped };
}

/** Where the options before a key end: at the first blank outside of quotes. Null while a quote is open. */
function optionsEnd(line: string): number | null {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (quoted && character === '\\' && line[at + 1] === '"') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === ' ' || character === '\t')) return at;
  }
  return quoted ? null : line.length;
}
