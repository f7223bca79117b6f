/** Which names a receiver takes: those of files in its folder or below it, on any system, and printable on a terminal. */

/** Bytes of the longest name. With what the partial file and its record add, it stays within the 255 of file systems. */
const MAX_NAME_BYTES = 239;
/** Bytes of the longest name with its folders: a control message has room for it. */
const MAX_PATH_BYTES = 1024;
/** Folders that a file may lie in, one within the other. */
const MAX_FOLDERS = 31;

const PART = '.pool-part';

/** Bytes that have arrived of a file that is not complete. */
export const partName = (name: string): string => `.${name}${PART}`;

/** What the partial file is a part of. */
export const recordName = (name: string): string => `.${name}${PART}.json`;

/** Separators, control characters, and those that turn the direction of a line around, so that it shows another name. */
const FORBIDDEN = /[/\\\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** `C:x` is a file of another drive, `CON` and `nul.txt` are devices, on Windows in any folder. */
const WINDOWS = /^(?:[a-z]:|(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))/i;
const WINDOWS_ONLY = /[<>:"|?*]|[. ]$/;

/**
 * Why a stranger's file of this name isn't taken unasked: `.bashrc` is read by programs, and `-rf` by them as an option. Null
 * where it is.
 */
export function unusualName(path: string): string | null {
  const unusual = path.split('/').find((part) => /^[.-]/.test(part));
  if (unusual === undefined) return null;
  const what = unusual.startsWith('.') ? 'a hidden file' : 'an option to most programs';
  const which = unusual === path ? 'it' : unusual;
  return `${which} begins with ${JSON.stringify(unusual[0])}, as ${what}; pool-ts receive --any-name takes it`;
}

/** Why a file of this name, with the folders that it lies in, is refused; null where it is fine. */
export function pathProblem(path: string, platform: NodeJS.Platform = process.platform): string | null {
  const parts = path.split('/');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `with its folders it is longer than ${MAX_PATH_BYTES} bytes`;
  if (parts.length > MAX_FOLDERS + 1) return `it lies in more than ${MAX_FOLDERS} folders`;
  if (parts.length > 1 && parts.some((part) => /^\.{0,2}$/.test(part))) return 'it names a file in another folder';
  for (const part of parts) {
    const problem = nameProblem(part, platform);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why `name`, which has no folders, is refused; null where it is fine. */
export function nameProblem(name: string, platform: NodeJS.Platform = process.platform): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'it is a folder';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  if (/[/\\]/.test(name)) return 'it names a file in another folder';
  if (FORBIDDEN.test(name) || !isWellFormed(name)) return 'it contains control characters';
  if (WINDOWS.test(name)) return 'it is a drive or a device on Windows';
  if (platform === 'win32' && WINDOWS_ONLY.test(name)) return 'Windows has no such names';
  if (name.startsWith('.') && (name.endsWith(PART) || name.endsWith(`${PART}.json`))) {
    return 'that is how unfinished files are named';
  }
  return null;
}

/** Halves of surrogate pairs have no UTF-8: two such names would be one file. String.isWellFormed is younger than Node 20.0's. */
function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

/** Text of a peer's, for a line of a terminal. */
export function printableName(text: string): string {
  return [...text]
    .map((character) => (FORBIDDEN.test(character) && !/[/\\]/.test(character) ? '?' : character))
    .join('');
}
