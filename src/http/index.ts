/** pool-ts/http: HTTP over POOL, with Node's own client and server. */
export {
  Agent,
  type AgentOptions,
  type AgentDeps,
  /** @deprecated the name until 0.2: {@link AgentDeps}. */
  type AgentDeps as AgentParts,
} from './agent.js';
export { createConnection, type PoolSocket } from './pool-socket.js';
export { type ConnectionHandler, type HttpServer, serveHttp } from './serve-http.js';
