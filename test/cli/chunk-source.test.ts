import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ChunkSource } from '../../src/cli/chunk-source.js';

describe('chunks of a stream', () => {
  it('come as they are written, and then the end, for ever', async () => {
    const stream = new PassThrough();
    const source = new ChunkSource(stream);
    stream.write('one');
    expect(String(await source.next())).toBe('one');
    const next = source.next();
    stream.end('two');
    expect(String(await next)).toBe('two');
    expect(await source.next()).toBeNull();
    expect(await source.next()).toBeNull();
    expect(await new ChunkSource(stream).next()).toBeNull();
  });

  it('stay in the stream when a wait is given up', async () => {
    const stream = new PassThrough();
    const source = new ChunkSource(stream);
    const given = new AbortController();
    const waiting = source.next(given.signal);
    given.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    stream.write('for the next');
    await expect(source.next(given.signal)).rejects.toThrow('given up');
    expect(String(await source.next())).toBe('for the next');
  });

  it('end with the error of the stream, behind it for ever', async () => {
    const stream = new PassThrough();
    const source = new ChunkSource(stream);
    const waiting = source.next();
    stream.destroy(new Error('broken'));
    await expect(waiting).rejects.toThrow('broken');
    await expect(source.next()).rejects.toThrow('broken');
  });
});
