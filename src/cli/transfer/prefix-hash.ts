/** The running SHA-256 of the first bytes of a file. */
import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;

/** SHA-256 of the first `length` bytes, to be continued; fewer where the file is shorter. Rejects with the signal's reason. */
export async function hashPrefix(
  file: Pick<FileHandle, 'read'>,
  length: number,
  options: { signal: AbortSignal; onProgress?: (bytes: number) => void },
): Promise<Hash> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, length)));
  for (let at = 0; at < length; ) {
    options.signal.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, length - at), at);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
    options.onProgress?.(at);
  }
  return hash;
}

/** The digest so far, in hexadecimal; the hash can go on. */
export function digestSoFar(hash: Hash): string {
  return hash.copy().digest('hex');
}
