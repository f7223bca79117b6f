/** An http.Agent whose connections are POOL sessions. */
import { Agent as HttpAgent, type AgentOptions as HttpAgentOptions, type ClientRequestArgs } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { isSignal, wrongType } from '../base/arguments.js';
import { namesOf, nearest } from '../base/option-names.js';
import { ownOption } from '../base/own-properties.js';
import { PoolError } from '../base/errors.js';
import type { Conn } from '../pool/flow/conn.js';
import { DEFAULT_PORT } from '../pool/constants.js';
import { dial } from '../pool/dial.js';
import { PROOF_OPTIONS } from '../pool/identity/authentication.js';
import type { DialOptions, Network } from '../pool/options.js';
import { PoolSocket } from './pool-socket.js';

/** Options of {@link Agent}: those of http.Agent, and how to dial. */
export interface AgentOptions extends HttpAgentOptions {
  /** Options of every dial: backend, device, queues... What a request says of family and lookup goes before. */
  dial?: Omit<DialOptions, 'signal' | 'channels'> | undefined;
}

/** What an Agent stands on; tests give their own. */
export interface AgentDeps {
  /** Makes the connections. */
  dial: typeof dial;
}

/** What net.connect would be given. */
type ConnectOptions = ClientRequestArgs & { lookup?: LookupFunction | undefined };

/**
 * Dials POOL addresses for http.request and for every client library that takes an http.Agent: the host and port of the
 * URL are the peer's, a URL without a port means 9253. One connection is one session on channel 0, kept alive and used
 * again unless `keepAlive: false` says otherwise. Idle ones don't keep the process alive. A request's timeout counts the
 * dial. Errors are those of {@link createConnection}.
 *
 * The URL's scheme is `http:`, as http.Agent demands. POOL encrypts; it proves who the peer is where `dial` has `peers` or
 * `psk`, which then holds for every request.
 * @example
 * const agent = new Agent();
 * http.get('http://10.0.0.1:9253/', { agent }, (response) => response.pipe(process.stdout));
 */
export class Agent extends HttpAgent {
  /** The port of a URL that names none. */
  readonly defaultPort = DEFAULT_PORT;
  readonly #dialOptions: AgentOptions['dial'];
  readonly #dial: typeof dial;

  constructor(options: AgentOptions = {}, deps: AgentDeps = { dial }) {
    refuseDialOptions(options);
    const { dial: dialOptions, ...agentOptions } = options;
    if (dialOptions !== undefined) requireDialOptions(dialOptions);
    super({ keepAlive: true, ...agentOptions });
    this.#dialOptions = dialOptions;
    this.#dial = deps.dial;
  }

  /** Called by http for each connection. What the dial rejects with becomes the request's `error`. */
  override createConnection(
    options: ClientRequestArgs,
    _callback?: (error: Error | null, stream: Duplex) => void,
  ): PoolSocket {
    // At once and not by the callback: http counts only connections that it has against maxSockets.
    const socket = new PoolSocket((signal) => this.#connect(options, signal));
    if (options.timeout) socket.setTimeout(options.timeout);
    return socket;
  }

  async #connect(options: ConnectOptions, signal: AbortSignal): Promise<Conn> {
    if (options.socketPath) throw new PoolError('ERR_INVALID_ARG_VALUE', 'a POOL peer has no socketPath');
    refuseProofOptions(options);
    const address = { host: options.host ?? '', port: options.port ?? DEFAULT_PORT };
    return this.#dial(address, { ...this.#dialOptions, ...requestOptions(options), signal });
  }
}

/** Options of `dial` that http.Agent hasn't: beside `dial` instead of in it they would do nothing. */
const DIAL_OPTIONS = namesOf<Omit<DialOptions, 'signal' | 'timeout' | 'channels' | 'lookup' | 'autoSelectFamily'>>({
  backend: true,
  device: true,
  network: true,
  readQueueBytes: true,
  writeQueueBytes: true,
  idleTimeout: true,
  writeStallTimeout: true,
  maxSessions: true,
  autoSelectFamilyAttemptDelay: true,
  peers: true,
  identity: true,
  psk: true,
});

/** http's own options pass, also those that only a later Node has. */
function refuseDialOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const meant = value === undefined ? null : nearest(name, DIAL_OPTIONS);
    if (meant === null) continue;
    const reason = `an Agent has no option ${JSON.stringify(name)}: pass { dial: { ${meant} } }`;
    throw new PoolError('ERR_INVALID_ARG_VALUE', reason);
  }
}

/** The rest of them is checked by each dial; a signal the dial would not see, since it gets one of its own. */
function requireDialOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || isSignal(options)) {
    throw wrongType('options.dial', 'an object with options of dial', options);
  }
  if (ownOption(options, 'signal') === undefined) return;
  throw new PoolError('ERR_INVALID_ARG_VALUE', 'options.dial has no "signal": it belongs to a request');
}

/** A connection serves many requests, so that who its peer must be is the Agent's to know; to overlook it would trust anybody. */
function refuseProofOptions(options: object): void {
  for (const name of PROOF_OPTIONS) {
    if (Reflect.get(options, name) === undefined) continue;
    const reason = `a request has no option "${name}": pass { dial: { ${name} } } to the Agent`;
    throw new PoolError('ERR_INVALID_ARG_VALUE', reason);
  }
}

/** Of a request's options those that are about the connection. */
function requestOptions({ family, lookup }: ConnectOptions): DialOptions {
  const network: Network | undefined = family === 4 ? 'pool4' : family === 6 ? 'pool6' : undefined;
  return {
    ...(network === undefined ? {} : { network }),
    ...(lookup === undefined ? {} : { lookup }),
  };
}
