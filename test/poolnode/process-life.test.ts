/** What holds a process and what does not: each case is a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Recorder, Server } from './conversation.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const nodeUrl = pathToFileURL(join(root, 'src/poolnode/index.ts')).href;

interface Ended {
  code: number | null;
  output: string;
}

/**
 * Runs `script` with `createPoolNode`, `port` and `owner` (a handler that takes everything) in scope. One that is still alive
 * after `patience` ms is ended; its code is null then.
 */
async function run(script: string, port: number, patience = 50_000): Promise<Ended> {
  const code = `
    import { createPoolNode } from ${JSON.stringify(nodeUrl)};
    const port = ${port};
    const owner = { message: () => true, drain() {}, end() {} };
    ${script}
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    // What must hold the process has held it this long after the script's last word.
    if (output.includes('held\n')) setTimeout(() => child.kill('SIGKILL'), 300);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  const [exit] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code: exit, output };
}

const DIAL = `
  const session = await createPoolNode().dial({ host: '127.0.0.1', port });
  session.start(owner);
`;

describe('a process', () => {
  it.each([
    ['an unref’d open session', `${DIAL} session.unref();`],
    ['an unref’d session that is paused', `${DIAL} session.pause(); session.unref();`],
    ['a session that was closed, and lingers', `${DIAL} await session.close();`],
    ['a session that was destroyed', `${DIAL} session.destroy();`],
    ['a close in progress, though its session was unref’d', `${DIAL} session.unref(); session.close();`],
    [
      'an unref’d listener',
      `const listener = await createPoolNode().listen({ host: '127.0.0.1', port: 0, session() {} }); listener.unref();`,
    ],
    [
      'a closed listener',
      `const listener = await createPoolNode().listen({ host: '127.0.0.1', port: 0, session() {} }); await listener.close();`,
    ],
  ])('ends by itself with %s', async (_what, script) => {
    const server = await Server.listen({
      session: (session) => void (server.sessions.push(session), session.start(new Recorder())),
    });
    const { code, output } = await run(`${script}\nconsole.log('last statement');`, server.port);
    expect(output).toBe('last statement\n');
    expect(code).toBe(0);
  });

  it.each([
    ['an open session', DIAL],
    ['an open session that is paused', `${DIAL} session.pause();`],
    ['a session that was unref’d and ref’d', `${DIAL} session.unref(); session.ref();`],
    ['a session that was never started', `const session = await createPoolNode().dial({ host: '127.0.0.1', port });`],
    ['a listener', `await createPoolNode().listen({ host: '127.0.0.1', port: 0, session() {} });`],
    ['a dial in progress', `createPoolNode().dial({ host: '127.0.0.1', port: silent }).catch(() => {});`],
  ])('is held by %s', async (_what, script) => {
    const server = await Server.listen();
    const { code } = await run(
      `
      import { createServer } from 'node:net';
      const quiet = createServer(() => {}).listen(0, '127.0.0.1').unref();
      await new Promise((resolve) => (quiet.ref(), quiet.once('listening', () => (quiet.unref(), resolve()))));
      const silent = quiet.address().port;
      ${script}
      console.log('held');`,
      server.port,
    );
    expect(code).toBe(null);
  });

  it('that exits without closing shows as ERR_POOL_PEER_LOST at once', async () => {
    const server = await Server.listen();
    const recorder = new Recorder();
    // Asked for by somebody who reads: bytes that a reset overtakes are lost to whoever hasn't read them.
    const lastWords = `owner.message = () => session.send(0, Buffer.from('last words'), () => process.exit(3)) || true;`;
    const ended = run(`${DIAL} ${lastWords}`, server.port);
    const session = await server.accepted();
    session.start(recorder);
    session.send(0, Buffer.from('your last words?'));
    expect((await recorder.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    expect(recorder.texts).toEqual(['last words']);
    expect((await ended).code).toBe(3);
  });
});
