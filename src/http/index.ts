/** pool-ts/http: HTTP over POOL, with Node's own client and server. */
export { Agent, type AgentOptions, type AgentParts } from './agent.js';
export { createConnection, type PoolSocket } from './pool-socket.js';
export { type ConnectionHandler, type HttpServer, serveHttp } from './serve-http.js';
