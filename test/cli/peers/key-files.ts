/** Folders with keys in them, for tests of the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GeneratedIdentity, generateIdentity } from '../../../src/index.js';

export interface KeyFolder {
  readonly path: string;
  /** A file in it. */
  file: (name: string, text: string, mode?: number) => string;
  /** A new key as a file of that name, and the public one beside it. */
  identity: (name: string) => GeneratedIdentity & { file: string; publicFile: string };
  remove: () => void;
}

export function keyFolder(): KeyFolder {
  const path = mkdtempSync(join(tmpdir(), 'pool-ts-keys-'));
  const file = (name: string, text: string, mode = 0o600): string => {
    const whole = join(path, name);
    writeFileSync(whole, text, { mode });
    return whole;
  };
  return {
    path,
    file,
    identity(name) {
      const made = generateIdentity({ comment: name });
      const [secret, shown] = [file(name, made.pem), file(`${name}.pub`, `${made.line}\n`, 0o644)];
      return { ...made, file: secret, publicFile: shown };
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
