/** OpenSSL's contexts at the ends of what holds them: a session, a worker, a process. Each case is a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../poolioc/bundle.js';

const NODE = await bundle('src/poolnode/index.ts');
const CRYPTO = await bundle('src/poolnode/crypto/openssl.ts');

async function run(script: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [...args, '--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, POOL_CRYPTO: 'openssl' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Defines `talk(node)`: two sessions of it that send to each other without an end; settles once messages have come. */
const TALK = `
  import { Worker, isMainThread, parentPort } from 'node:worker_threads';
  const { createPoolNode, cryptographyInUse } = await import(${JSON.stringify(NODE.href)});
  async function talk() {
    const node = createPoolNode();
    let came = 0, enough;
    const done = new Promise((resolve) => (enough = resolve));
    const keepSending = (session) => {
      let room = true;
      const pump = () => { while (room && session.state === 'ESTABLISHED') room = session.send(0, new Uint8Array(1 + (came % 9000))); };
      session.start({ message: () => { if (++came === 300) enough(); return true; }, drain() { room = true; setImmediate(pump); }, end() {} });
      setImmediate(pump);
    };
    const listener = await node.listen({ host: '127.0.0.1', port: 0, session: keepSending });
    keepSending(await node.dial({ host: '127.0.0.1', port: listener.local.port }));
    await done;
    return { node, listener };
  }
`;

describe('OpenSSL through koffi', () => {
  it('runs in several threads, and each may be terminated with sessions that talk', async () => {
    const inWorker = `data:text/javascript,${encodeURIComponent(`${TALK} await talk(); parentPort.postMessage(await cryptographyInUse());`)}`;
    const { code, output } = await run(`
      ${TALK}
      const here = talk();
      for (let round = 0; round < 3; round++) {
        const workers = [0, 1].map(() => new Worker(new URL(${JSON.stringify(inWorker)})));
        const kinds = await Promise.all(workers.map((worker) => new Promise((resolve, reject) =>
          worker.once('message', resolve).once('error', reject))));
        console.log(kinds.join());
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      await here;
      process.exit(0);
    `);
    expect(output.trim().split('\n')).toEqual(['openssl,openssl', 'openssl,openssl', 'openssl,openssl']);
    expect(code).toBe(0);
  });

  it.each([
    ['process.exit', 'process.exit(7)', 7],
    ['an uncaught exception', 'setImmediate(() => { throw new Error("the end") })', 1],
  ])('lets a process end by %s while sessions talk', async (_, end, expected) => {
    const { code, output } = await run(`${TALK} await talk(); ${end};`);
    expect(code, output).toBe(expected);
  });

  it('frees what is dropped as well as what is given up, and takes nothing else for it', async () => {
    const { code, output } = await run(
      `
      const { loadOpenSsl } = await import(${JSON.stringify(CRYPTO.href)});
      const { crypto } = await loadOpenSsl();
      const key = () => new Uint8Array(32).fill(5);
      const kept = crypto.packetCrypto(key(), key());
      const nonce = new Uint8Array(12), out = new Uint8Array(100);
      const round = async (count) => {
        for (let i = 0; i < count; i++) {
          const keys = crypto.packetCrypto(key(), key());
          const pair = crypto.generateKeyPair();
          keys.seal(nonce, key(), out, 0);
          if (i % 2 === 0) { keys.dispose(); pair.dispose(); }
        }
        for (let i = 0; i < 4; i++) { gc(); await new Promise((resolve) => setImmediate(resolve)); }
        return process.memoryUsage.rss();
      };
      kept.seal(nonce, key(), out, 0);
      const before = out.toString();
      for (let i = 0; i < 3; i++) await round(4000);
      const start = await round(4000);
      for (let i = 0; i < 8; i++) await round(4000);
      const grown = (await round(4000)) - start;
      kept.seal(nonce, key(), out, 0);
      // Each set and pair is some 2 KB: what the half that is dropped would come to is 36 MB.
      console.log(JSON.stringify({ same: out.toString() === before, grown: grown < 12e6 }));
    `,
      '--expose-gc',
    );
    expect(JSON.parse(output)).toEqual({ same: true, grown: true });
    expect(code).toBe(0);
  });
});
