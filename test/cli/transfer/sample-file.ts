/** Files for transfers: random blocks with holes between them, so that a large one is made quickly. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Seeded } from '../../poolnode/protocol/seeded.js';

const BLOCK = 4096;

/** Makes a file of `size` bytes with a random block about every 64 KiB. */
export function makeSample(path: string, size: number, random: Pick<Seeded, 'int' | 'bytes'>): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, size);
  for (let at = 0; at + BLOCK < size; at += BLOCK + random.int(128 * 1024)) {
    writeSync(file, random.bytes(BLOCK), 0, BLOCK, at);
  }
  closeSync(file);
}

/** SHA-256 of a file, in hexadecimal. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
