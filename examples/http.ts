/**
 * HTTP over POOL: Node's own server and client, on sessions instead of sockets.
 *
 *   tsx examples/http.ts --listen :9253
 *   tsx examples/http.ts --get http://127.0.0.1:9253/hello
 *
 * The server ends on SIGINT. Exit codes: 0 done, 1 the network or the server said no, 2 wrong usage.
 */
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { listen } from 'pool-ts';
import { Agent, serveHttp } from 'pool-ts/http';

async function serve(address: string, stop: AbortSignal): Promise<void> {
  const server = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(`${request.method} ${request.url} from ${request.socket.remoteAddress}\n`);
  });
  const listener = await listen(address, { signal: stop });
  console.log(`listening on http://${listener.addr.toString()}/`);
  stop.addEventListener('abort', () => void listener.close({ connections: 'close' }), { once: true });
  await serveHttp(listener, server); // until the listener is closed and every connection is done
}

async function get(url: string): Promise<void> {
  const agent = new Agent(); // keeps sessions alive for further requests, as http.Agent does sockets
  try {
    const request = http.get(url, { agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    console.log(`${response.statusCode} ${response.statusMessage}`);
    for await (const chunk of response) process.stdout.write(chunk as Buffer);
    if (response.statusCode !== 200) process.exitCode = 1;
  } finally {
    agent.destroy();
  }
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const { values } = parseArgs({ options: { listen: { type: 'string' }, get: { type: 'string' } } });
  if (values.listen !== undefined) await serve(values.listen, stop.signal);
  else if (values.get !== undefined) await get(values.get);
  else throw new TypeError('usage: http.ts --listen [host]:port | --get http://host:port/path');
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = error instanceof TypeError ? 2 : 1;
  }
}
