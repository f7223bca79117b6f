/** dial: from an address to a Conn. */
import { onAbort, orAborted, throwIfAborted } from '../base/abort.js';
import { PoolError } from '../base/errors.js';
import { bare } from '../base/own-properties.js';
import { atCallSite, type CallSite, callSite } from './call-site.js';
import type { Conn } from './flow/conn.js';
import { connMaker } from './flow/conn-events.js';
import { publishRefusal, trace } from './observe/diagnostics.js';
import { firstToAnswer } from './address/first-to-answer.js';
import { type DialOptions, type DialSettings, readDialOptions } from './options.js';
import { givenDialProof, loadDialProof, refuseProofInAddress } from './identity/authentication.js';
import { addressesToDial } from './address/resolve.js';
import { selectBackend } from './select.js';
import { type AddressInput, readPeer, type Target, targetError } from './address/target.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../base/timers.js';

/** What dial stands on; tests give their own. */
export interface DialDeps {
  selectBackend: typeof selectBackend;
  connMaker: typeof connMaker;
}

/**
 * Dials a POOL peer: looks the host up, connects, and holds the handshake. With several addresses the first session wins:
 * on the user backend tries begin 250 ms after one another (RFC 8305), on the kernel backend one follows another's failure.
 *
 * The connection is encrypted, but POOL 1 doesn't prove who the peer is: alone it protects against passive listeners only.
 * With `peers`, or `psk`, the listener must prove it before the dial settles (user backend, between nodes of pool-ts).
 *
 * @param address `10.0.0.1:9253`, `[::1]:9253`, `host.example.com:9253`, `:9253` (loopback), or `{ host, port }`. A missing
 * port is 9253. A bare IPv6 address is a host where its end can't be taken for a port. An object with `peers`, `identity` or
 * `psk` in it, which are options, is refused where no option asks for a proof.
 * @throws (rejects) before any I/O ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE (port 0 too),
 * ERR_POOL_INVALID_ADDRESS (also a numeric address of the other family); then ENOTFOUND and other errors of the lookup,
 * ECONNREFUSED, ECONNRESET (the peer hung up, perhaps because its session table is full), ERR_POOL_NET_UNREACHABLE,
 * ERR_POOL_TIMEOUT, ERR_POOL_AUTH_FAILED, ERR_POOL_PROTOCOL, ERR_POOL_SESSION_FULL, or what opening the device gives
 * (ENOENT, EACCES...). When several addresses failed, the first one's code, with `errors` of each. A signal
 * that fires rejects with its reason, at once; nothing of the dial is left then.
 * @example
 * const conn = await dial('10.0.0.1:9253', { timeout: 5000 });
 * await conn.writeMessage('hello POOL');
 */
export function dial(address: AddressInput, options?: DialOptions): Promise<Conn> {
  return dialWith({ selectBackend, connMaker }, callSite(dial), address, options);
}

/** `dial`, with its dependencies given. */
export async function dialWith(
  deps: DialDeps,
  site: CallSite,
  address: AddressInput,
  options?: DialOptions,
): Promise<Conn> {
  let signal: AbortSignal | undefined;
  try {
    const settings = readDialOptions(options);
    const target = readPeer(address, settings.network);
    if (settings.proof === undefined) refuseProofInAddress('dial', address);
    if (target.port === 0)
      throw targetError('dial', target, new PoolError('ERR_OUT_OF_RANGE', 'port 0 is for listening'));
    signal = settings.signal;
    throwIfAborted(signal);
    const context = () => ({ address: `${target.host}:${target.port}`, network: target.network });
    return await trace('dial', context, () => connect(deps, target, settings));
  } catch (error) {
    throw atCallSite(error, site, signal);
  }
}

/** Under one signal, which the caller's signal and the timeout fire. */
async function connect(deps: DialDeps, target: Target, settings: DialSettings): Promise<Conn> {
  const { signal, timeout } = settings;
  const operation = new AbortController();
  const done = onAbort(signal, (reason) => operation.abort(reason));
  const timedOut = (): void => operation.abort(new PoolError('ERR_POOL_TIMEOUT', `no session within ${timeout} ms`));
  const timer = timeout === 0 ? undefined : setTimeout(timedOut, Math.min(timeout, LONGEST_TIMER_MS));
  try {
    return await connectUnder(operation.signal, deps, target, settings);
  } catch (error) {
    throw targetError('dial', target, error, signal);
  } finally {
    clearTimeout(timer);
    done();
  }
}

async function connectUnder(
  signal: AbortSignal,
  { selectBackend, connMaker }: DialDeps,
  target: Target,
  settings: DialSettings,
): Promise<Conn> {
  const backend = await orAborted(selectBackend({ ...settings, proves: settings.proof !== undefined }), signal);
  const { proof } = settings;
  const authentication = proof && (givenDialProof(proof) ?? (await orAborted(loadDialProof(proof), signal)));
  const addresses = await addressesToDial(target, { ...settings, signal });
  const candidates: typeof addresses = settings.autoSelectFamily ? addresses : [addresses[0]];
  const session = await firstToAnswer(
    candidates,
    async (address, { signal, turn }) => {
      try {
        return await backend.dial(
          address,
          bare({
            signal,
            ...(candidates.length > 1 && { beforeResponse: turn }),
            writeStallTimeout: settings.writeStallTimeout,
            ...(authentication && { authentication }),
          }),
        );
      } catch (error) {
        if (authentication !== undefined) {
          publishRefusal(error, () => ({ role: 'client', localAddr: null, remoteAddr: address }));
        }
        throw error;
      }
    },
    { signal, stagger: backend.parallelDials ? settings.autoSelectFamilyAttemptDelay : null },
  );
  if (signal.aborted) {
    session.destroy();
    throwIfAborted(signal);
  }
  return connMaker(backend.name, settings)(session, 'client');
}
