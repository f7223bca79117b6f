/**
 * Where these tests find POOL: the user backend, or what POOL_BACKEND and POOL_DEVICE name. POOL_HTTP_CLIENT and
 * POOL_HTTP_SERVER name the backend of one end alone; POOL_FEATURES_TARGET=strict says that the device behaves as the module.
 */
import type { Server } from 'node:http';
import { type Conn, dial, listen, type Listener } from '../../src/index.js';
import { GOOD_BEHAVIOUR, type Behaviour, MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';
import { Agent, type AgentOptions, type HttpServer, serveHttp } from '../../src/http/index.js';

type Backend = 'user' | 'kernel' | 'auto';
const { POOL_BACKEND, POOL_HTTP_CLIENT, POOL_HTTP_SERVER, POOL_FEATURES_TARGET } = process.env;

/** Of the end that dials, and of the one that listens. */
export const backend = (POOL_HTTP_CLIENT ?? POOL_BACKEND ?? 'user') as Backend;
export const serverBackend = (POOL_HTTP_SERVER ?? POOL_BACKEND ?? 'user') as Backend;

/** How far both ends keep to what a user may expect (docs/kernel-contract.md, section 5). */
export const behaviour: Behaviour = POOL_FEATURES_TARGET === 'strict' ? MODULE_BEHAVIOUR : GOOD_BEHAVIOUR;

/** The kernel module listens on all addresses, and takes no host. */
export const open = (): Promise<Listener> =>
  listen(serverBackend === 'user' ? '127.0.0.1:0' : ':0', { backend: serverBackend });

export const connect = (listener: Listener): Promise<Conn> => dial(`127.0.0.1:${listener.addr.port}`, { backend });

/** Two Conns; the dialling end first. */
export async function connPair(): Promise<{ client: Conn; server: Conn; stop: () => Promise<void> }> {
  const listener = await open();
  const [client, server] = await Promise.all([connect(listener), listener.accept()]);
  const stop = async (): Promise<void> => {
    client.destroy();
    server.destroy();
    await listener.close();
  };
  return { client, server, stop };
}

export interface Service {
  listener: Listener;
  agent: Agent;
  url: string;
  /** Fulfils when `serveHttp` has. */
  served: Promise<void>;
  stop: () => Promise<void>;
}

/** A server on a listener, and an Agent to reach it. */
export async function serve(server: HttpServer, options: AgentOptions = {}): Promise<Service> {
  const listener = await open();
  const served = serveHttp(listener, server);
  const agent = new Agent({ ...options, dial: { backend, ...options.dial } });
  const stop = async (): Promise<void> => {
    agent.destroy();
    await listener.close({ connections: 'destroy' });
    await served;
    (server as Partial<Server>).close?.();
  };
  return { listener, agent, url: `http://127.0.0.1:${listener.addr.port}`, served, stop };
}
