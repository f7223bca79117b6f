/** Serves metrics over HTTP until the command is told to stop. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whenAborted } from '../../base/abort.js';
import { joinHostPort } from '../../base/ip.js';
import type { TcpAddress } from '../bridge/tcp-address.js';
import { tell, type Terminal } from '../terminal.js';
import type { DeviceMetrics } from './device-metrics.js';

/** Rejects with the system's error where nothing can listen there: EADDRINUSE, EACCES... */
export async function serveMetrics(
  terminal: Terminal,
  { contentType, text }: Pick<DeviceMetrics, 'contentType' | 'text'>,
  { host, port }: TcpAddress,
): Promise<void> {
  const server = createServer((request, response) => {
    const { method, url = '' } = request;
    const path = url.split('?', 1)[0];
    if (method !== 'GET' && method !== 'HEAD') {
      answer(response.setHeader('Allow', 'GET, HEAD'), 405, `${method} is not possible here\n`);
    } else if (path === '/metrics') {
      text().then(
        (metrics) => answer(response, 200, metrics, contentType),
        (error: Error) => answer(response, 500, `${error.message}\n`),
      );
    } else if (path === '/health') {
      answer(response, 200, 'OK\n');
    } else {
      answer(response, 404, 'there are /metrics and /health\n');
    }
  });
  server.listen({ port, ...(host === '' ? {} : { host }) });
  await once(server, 'listening');
  const at = server.address() as AddressInfo;
  tell(terminal, `metrics at http://${joinHostPort(host === '' ? 'localhost' : host, at.port)}/metrics`);
  terminal.endsBySignal();
  await whenAborted(terminal.stop);
  server.close();
  server.closeAllConnections();
}

function answer(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  // Node leaves the body of an answer to HEAD away.
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body);
}
