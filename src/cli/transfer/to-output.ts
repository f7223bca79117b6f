/** `receive -`: files go to standard output, each when it is whole and checked, as a file in a folder appears. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Terminal } from '../terminal.js';
import { writeChunks } from '../write-chunks.js';

/** Runs `receive` with a folder that is gone in the end, and then writes those files of it that it said had arrived. */
export async function writeFilesAside(
  { stdout }: Pick<Terminal, 'stdout'>,
  receive: (folder: string, arrived: (name: string) => void) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-ts-receive-'));
  const names = new Set<string>();
  try {
    try {
      await receive(folder, (name) => names.add(name));
    } finally {
      for (const name of names) {
        for await (const chunk of createReadStream(join(folder, name))) await writeChunks(stdout, [chunk as Buffer]);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
