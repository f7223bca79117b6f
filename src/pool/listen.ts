/** listen: from an address to a Listener. */
import { orAborted, throwIfAborted } from '../base/abort.js';
import { bare } from '../base/own-properties.js';
import type { Backend } from './backend.js';
import { atCallSite, type CallSite, callSite } from './call-site.js';
import { connMaker } from './flow/conn-events.js';
import { DEFAULT_PORT } from './constants.js';
import { publishRefusal, trace } from './observe/diagnostics.js';
import type { Listener } from './listener.js';
import { PoolListener } from './pool-listener.js';
import { type ListenOptions, type ListenSettings, readListenOptions } from './options.js';
import { loadListenProof, refuseProofInAddress } from './identity/authentication.js';
import { addressesOf } from './address/resolve.js';
import { selectBackend } from './select.js';
import { type AddressInput, readTarget, type Target, targetError } from './address/target.js';

/** What listen stands on; tests give their own. */
export interface ListenDeps {
  selectBackend: typeof selectBackend;
  connMaker: typeof connMaker;
}

/**
 * Listens for POOL peers. Settles when the port is open.
 *
 * @param address default `:9253`. An empty host, `*` and `::` are every address of the machine, both families where it has
 * them; `0.0.0.0`, or the network `pool4`, is IPv4 only, the network `pool6` IPv6 only. Port 0 takes a free one, which
 * `listener.addr` tells. An object with `peers`, `identity` or `psk` in it is refused as by `dial`. The kernel module listens on
 * all addresses: there any other host is ERR_INVALID_ARG_VALUE.
 * @throws (rejects) before any I/O ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE,
 * ERR_POOL_INVALID_ADDRESS; then EADDRINUSE, EACCES, EADDRNOTAVAIL, errors of the lookup, or what opening the device gives.
 * A signal that fires before it listens rejects with its reason, and the port is free again; later it does nothing.
 * @example
 * const listener = await listen(':9253');
 * await listener.serve(async (conn) => {
 *   for await (const message of conn) await conn.writeMessage(message);
 * });
 */
export function listen(address?: AddressInput, options?: ListenOptions): Promise<Listener> {
  return listenWith({ selectBackend, connMaker }, callSite(listen), address, options);
}

/** `listen`, with its dependencies given. */
export async function listenWith(
  deps: ListenDeps,
  site: CallSite,
  address: AddressInput = `:${DEFAULT_PORT}`,
  options?: ListenOptions,
): Promise<Listener> {
  let signal: AbortSignal | undefined;
  try {
    const settings = readListenOptions(options);
    const target = readTarget(address, settings.network);
    if (settings.proof === undefined) refuseProofInAddress('listen', address);
    signal = settings.signal;
    throwIfAborted(signal);
    const context = () => ({ address: `${target.host}:${target.port}`, network: target.network });
    return await trace('listen', context, () =>
      open(deps, target, settings).catch((error: unknown) => {
        throw targetError('listen', target, error, signal);
      }),
    );
  } catch (error) {
    throw atCallSite(error, site, signal);
  }
}

async function open(deps: ListenDeps, target: Target, settings: ListenSettings): Promise<Listener> {
  const { signal, network, backlog, maxConnections, maxSessionsPerAddress, handshakes, blockList, writeStallTimeout } =
    settings;
  const backend = await orAborted(deps.selectBackend({ ...settings, proves: settings.proof !== undefined }), signal);
  const authentication = settings.proof && (await orAborted(loadListenProof(settings.proof), signal));
  const host = await numericHost(backend, target, signal);
  const makeConn = deps.connMaker(backend.name, settings);
  const listener = new PoolListener({ backlog, maxConnections, blockList, makeConn });
  const bound = await backend.listen(
    bare({
      host,
      port: target.port,
      ipv4Only: network === 'pool4',
      ipv6Only: network === 'pool6',
      maxSessionsPerAddress,
      handshakes,
      writeStallTimeout,
      ...(authentication && { authentication }),
      ...(signal === undefined ? {} : { signal }),
      admit: (remote) => listener.admit(remote),
      session: (session) => listener.session(session),
      dropped: (remote, reason, error) => {
        listener.dropped(remote, reason, error);
        if (authentication === undefined) return;
        publishRefusal(error, () => ({ role: 'server', localAddr: listener.boundAddr, remoteAddr: remote }));
      },
      failed: (error) => listener.failed(error),
    }),
  );
  listener.bind(bound);
  if (signal?.aborted) {
    await listener.close();
    throwIfAborted(signal);
  }
  return listener;
}

/** A name is looked up for the node, which takes the first address, as `net.Server` does. The kernel module takes no host. */
async function numericHost(backend: Backend, target: Target, signal: AbortSignal | undefined): Promise<string> {
  if (target.addr !== null || target.host === '' || backend.name === 'kernel') return target.host;
  const [first] = await addressesOf(target, { signal, network: target.network, lookup: undefined });
  return first.address;
}
