/** The files of /proc that this backend looks into; an argument everywhere, so that tests write their own. */
import { readdirSync, readFileSync } from 'node:fs';

/** Reads of /proc. They don't block: its files are made in memory, and none of those read here is served by the module's locks. */
export interface Proc {
  /** The text of a file, by its path below /proc; null where it can't be read, for whatever reason. */
  read(path: string): string | null;
  /** The names in a folder below /proc; none where it can't be read. '' is /proc itself. */
  list(path: string): readonly string[];
}

/** The machine's /proc. */
export const machineProc: Proc = {
  read(path) {
    try {
      return readFileSync(`/proc/${path}`, 'latin1');
    } catch {
      return null;
    }
  },
  list(path) {
    try {
      return readdirSync(`/proc/${path}`);
    } catch {
      return [];
    }
  },
};
