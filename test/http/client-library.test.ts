import { createHash } from 'node:crypto';
import http from 'node:http';
import got from 'got';
import { describe, expect, it } from 'vitest';
import { backend, serve, serverBackend } from './pool-pair.js';
import { randomBytes } from '../random.js';

const MIB = 1 << 20;
const TOTAL = 50 * MIB;
const PART = MIB;
const AT_A_TIME = 20;

describe('an HTTP client library that knows nothing of POOL', () => {
  it('downloads 50 MB in ranges, 20 at a time, whole', async () => {
    const file = randomBytes(TOTAL);
    const sockets = new Set<unknown>();
    // Nobody is answered before twenty have asked.
    const waiting: (() => void)[] = [];
    let most = 0;
    const server = http.createServer((request, response) => {
      sockets.add(request.socket);
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!;
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${TOTAL}` });
      waiting.push(() => response.end(file.subarray(Number(from), Number(to) + 1)));
      most = Math.max(most, waiting.length);
      if (most === AT_A_TIME) for (const answer of waiting.splice(0)) answer();
    });
    // An idle time that a busy machine can exceed between two answers would end the session under the next request.
    server.keepAliveTimeout = 0;
    const service = await serve(server, { maxSockets: AT_A_TIME });
    try {
      // A device's node takes 16 handshakes at a time from one address, and refuses the rest of twenty at once.
      const limit = backend === 'user' && serverBackend === 'kernel' ? 2 : 0;
      const client = got.extend({ agent: { http: service.agent }, retry: { limit } });
      const parts = await Promise.all(
        Array.from({ length: TOTAL / PART }, (_, i) =>
          client(service.url, { headers: { range: `bytes=${i * PART}-${(i + 1) * PART - 1}` } }).buffer(),
        ),
      );
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(file).digest('hex'));
      expect(sockets.size).toBeLessThanOrEqual(AT_A_TIME);
      expect(most).toBe(AT_A_TIME);
    } finally {
      await service.stop();
    }
  });
});
