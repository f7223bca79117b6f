/** `receive -`: files go to standard output, each when it is whole and checked, as a file in a folder appears. */
import { rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orAborted } from '../../base/abort.js';
import type { Terminal } from '../terminal.js';
import { writeChunks } from '../write-chunks.js';

/**
 * Runs `receive` with a folder that is gone in the end, and then writes those files of it that it said had arrived. A reader
 * that takes its time is waited for until the command is told to stop.
 */
export async function writeFilesAside(
  { stdout, stop }: Pick<Terminal, 'stdout' | 'stop'>,
  receive: (folder: string, arrived: (name: string) => void) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-ts-receive-'));
  const gone = { recursive: true, force: true };
  // A second ^C waits for nobody.
  const leave = (): void => rmSync(folder, gone);
  process.on('exit', leave);
  const names = new Set<string>();
  try {
    try {
      await receive(folder, (name) => names.add(name));
    } finally {
      for (const name of names) {
        const handle = await open(join(folder, name));
        names.delete(name);
        // Once open it needs no name, and then a kill leaves none. Windows keeps it until the end.
        await rm(names.size === 0 ? folder : join(folder, name), gone).catch(() => undefined);
        for await (const chunk of handle.createReadStream())
          await orAborted(writeChunks(stdout, [chunk as Buffer]), stop);
      }
    }
  } finally {
    process.off('exit', leave);
    await rm(folder, gone);
  }
}
