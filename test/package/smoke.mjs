/**
 * What every runtime has to do with pool-ts: run by each of them in a folder where the tarball and prom-client are installed.
 * Its arguments are how the runtime runs the command line, from the program on. It prints a line of JSON: what each check
 * gave, and what was wrong with it where it failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { dial, listen, PoolError, requester, respond, retry, userCryptography } from 'pool-ts';
import { Agent, serveHttp } from 'pool-ts/http';
import { collectPoolMetrics } from 'pool-ts/metrics';
import { register } from 'prom-client';

const backend = process.env.SMOKE_BACKEND ?? 'user';
const [program, ...args] = process.argv.slice(2);
// The kernel module and what serves it listen on all addresses of the machine.
const listening = () => listen(backend === 'user' ? '127.0.0.1:0' : ':0', { backend });
const pair = async () => {
  const listener = await listening();
  const address = { host: '127.0.0.1', port: listener.addr.port };
  const [conn, peer] = await Promise.all([dial(address, { backend, timeout: 60_000 }), listener.accept()]);
  const close = async () => {
    await conn.close();
    await peer.close();
    await listener.close();
  };
  return { listener, conn, peer, close };
};

const checks = {
  cryptography: () => userCryptography(),

  async echo() {
    const { conn, peer, close } = await pair();
    await conn.writeMessage('hello POOL');
    await peer.writeMessage(await peer.readMessage());
    const reply = await conn.readText();
    const used = conn.backend;
    await close();
    return `${reply} over ${used}`;
  },

  async 'long messages, bytes and channels'() {
    const { conn, peer, close } = await pair();
    const [near, far] = await Promise.all([conn.openChannel(5), peer.openChannel(5)]);
    const sent = new Uint8Array(200_000).map((_, at) => at * 7 + (at >> 8));
    const writing = near.write(sent);
    const got = [];
    for (let bytes = 0; bytes < sent.length; bytes += got.at(-1).length) got.push(await far.readMessage());
    await writing;
    const equal = Buffer.concat(got).equals(sent);
    await peer.writeMessage('on the connection');
    const other = await conn.readText();
    await close();
    return `${equal} ${other}`;
  },

  async 'deadline and refusal'() {
    const { listener, conn, close } = await pair();
    conn.setReadDeadline(Date.now() + 20);
    const late = await conn.readMessage().catch((error) => error.code);
    const { port } = listener.addr;
    await close();
    // Nobody listens there any more.
    const refused = await dial({ host: '127.0.0.1', port }, { backend, timeout: 60_000 }).catch((error) => error);
    return `${late} ${refused instanceof PoolError} ${refused.code}`;
  },

  async 'requests and retry'() {
    const { conn, peer, close } = await pair();
    const responding = respond(peer, (request) => `${request.text()}!`);
    const asking = requester(conn);
    const answers = await Promise.all(['one', 'two'].map((text) => asking.requestText(text)));
    await close();
    await responding;
    const gone = await asking.request('three').catch((error) => error.code);
    const tried = await retry(
      (attempt) => {
        if (attempt < 3) throw new PoolError('ECONNREFUSED', 'not yet');
        return attempt;
      },
      { minDelay: 1 },
    );
    return `${answers.join(' ')} ${gone} ${tried}`;
  },

  async streams() {
    const { conn, peer, close } = await pair();
    const reading = text(peer.toDuplex());
    await pipeline(Readable.from(['as ', 'a ', 'stream']), conn.toDuplex());
    const got = await reading;
    await close();
    const web = await pair();
    const writer = web.conn.writable.getWriter();
    await writer.write(Buffer.from('to the web'));
    const { value } = await web.peer.readable.getReader().read();
    const chunk = Buffer.from(value).toString();
    writer.releaseLock();
    await web.close().catch(() => undefined);
    return `${got} ${chunk}`;
  },

  async HTTP() {
    const listener = await listening();
    const server = http.createServer((request, response) => response.end(`asked for ${request.url}`));
    const serving = serveHttp(listener, server);
    const agent = new Agent({ dial: { backend } });
    const request = http.get({ host: '127.0.0.1', port: listener.addr.port, path: '/hello', agent });
    const [response] = await once(request, 'response');
    const body = await text(response);
    agent.destroy();
    await listener.close({ connections: 'close' });
    await serving;
    return `${response.statusCode} ${body}`;
  },

  async metrics() {
    const stop = collectPoolMetrics();
    const { close } = await pair();
    const sessions = /^pool_active_sessions (\d+)$/m.exec(await register.metrics())?.[1];
    stop();
    await close();
    return Number(sessions) >= 2 ? 'counted' : `pool_active_sessions ${sessions}`;
  },

  async 'the command line'() {
    const listener = await listening();
    const child = spawn(
      program,
      [...args, 'connect', '-q', 'never', '--backend', backend, `127.0.0.1:${listener.addr.port}`],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const other = await listener.accept();
    child.stdin.end('typed\n');
    const typed = await other.readText();
    await other.writeMessage('answered');
    await other.close();
    const [out, err, [code]] = await said;
    await listener.close();
    return `${JSON.stringify(typed)} ${out} ${code}${err}`;
  },

  async 'a folder of files'() {
    const run = (...words) => {
      const child = spawn(program, [...args, ...words, '--backend', backend], { stdio: ['ignore', 'pipe', 'pipe'] });
      const said = { err: '' };
      child.stderr.setEncoding('utf8').on('data', (part) => (said.err += part));
      return { child, said, ended: Promise.all([text(child.stdout), once(child, 'close')]) };
    };
    const at = backend === 'user' ? '127.0.0.1:0' : ':0';
    const receiver = run('receive', `${process.env.SMOKE_FOLDER}/in`, '--once', '--listen', at);
    while (!/listening on \S+:(\d+),/.test(receiver.said.err)) await once(receiver.child.stderr, 'data');
    const [, port] = /listening on \S+:(\d+),/.exec(receiver.said.err);
    const sender = run('send', `${process.env.SMOKE_FOLDER}/album`, `127.0.0.1:${port}`);
    const [[sent, [code]], [received, [other]]] = await Promise.all([sender.ended, receiver.ended]);
    // On a busy machine it takes a second, and then they say so.
    const what = (told) => told.split(',')[0].replace(/ in \d+:\d\d \(.*\)$/, '');
    return `${what(sent)} ${code}, ${what(received)} ${other}${sender.said.err}`;
  },
};

const only = process.env.SMOKE_ONLY;
const results = {};
for (const [name, check] of Object.entries(checks)) {
  if (only !== undefined && name !== only) continue;
  try {
    results[name] = String(await check());
  } catch (error) {
    results[name] = `failed: ${error?.stack ?? error}`;
  }
}
console.log(JSON.stringify(results));
