/** The two kinds of connections that are compared: TCP's own, and POOL's in the place of TCP's. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Agent, createConnection, serveHttp } from '../../../src/http/index.js';
import { backend, open } from '../pool-pair.js';
import type { Socket } from './party.js';

export interface Place {
  /** A socket that connects. */
  connect(): Socket;
  agent: http.Agent;
  url: string;
  stop(): Promise<void>;
}

export interface Wire {
  /** Serves connections with a server of Node's, or a function. */
  serve(server: net.Server | ((socket: Socket) => void)): Promise<Place>;
  /** A port that nobody listens on. */
  nowhere(): Promise<Place>;
}

const host = '127.0.0.1';

export const tcp: Wire = {
  async serve(handler) {
    const server = handler instanceof net.Server ? handler : net.createServer(handler);
    const sockets = new Set<net.Socket>();
    server.on('connection', (socket: net.Socket) => sockets.add(socket));
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const agent = new http.Agent({ keepAlive: true });
    return {
      connect: () => net.connect(port, host),
      agent,
      url: `${host}:${port}`,
      stop: async () => {
        agent.destroy();
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
  async nowhere() {
    const place = await this.serve(() => {});
    await place.stop();
    return place;
  },
};

export const pool: Wire = {
  async serve(server) {
    const listener = await open();
    const serving = serveHttp(listener, server);
    const agent = new Agent({ dial: { backend } });
    const url = `${host}:${listener.addr.port}`;
    return {
      connect: () => createConnection(url, { backend }),
      agent,
      url,
      stop: async () => {
        agent.destroy();
        await listener.close({ connections: 'destroy' });
        await serving;
        if (server instanceof net.Server) server.close();
      },
    };
  },
  nowhere: () => tcp.nowhere(),
};
