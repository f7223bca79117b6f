/**
 * The kernel backend: sessions of the module behind /dev/pool, or of a program that serves such a file.
 *
 * Where each hazard of the kernel contract's section 4 has its guard:
 *
 * | hazard | guard | file |
 * |---|---|---|
 * | 1 AF_INET crashes | family 10 always, IPv4 mapped; link-local refused | dial-attempts.ts, mapped-address.ts |
 * | 2 CLOSE_SESS without its thread crashes | the thread is looked for right before; else the slot is left and told | session-probe.ts, thread-lookup.ts, slot-closer.ts, leaked-slots.ts, backend.ts; poolioc's closing, execute.ts |
 * | 3 reused slots fail handshakes | at most 8 tries with EINVAL, 20 in all | dial-attempts.ts |
 * | 4 an old RECV takes the new session's message | one receiver per slot, messages go to its owner, RECV taken back before a close | slot.ts, receive-scheduler.ts, session.ts |
 * | 5 dead connections stay ESTABLISHED | the thread, the state, and packets_recv are watched | session.ts, device-table.ts, module-liveness.ts |
 * | 6 messages over 65511 | refused | session.ts |
 * | 7 two handshakes at a time | dials one after another; EBADMSG of a local peer is tried again | dial-attempts.ts |
 * | 8, 10 fragments, MTU | nothing to guard here: the module cuts and joins | |
 * | 9 sessions end after an hour | shows as hazard 5 and ends as that; programs dial again | session.ts |
 * | 11 an interrupted SEND | no signal, one at a time, none after a failed one | send-queue.ts, call-errors.ts; poolioc's worker-pool.ts, worker-call.ts |
 * | 12 SEND and CLOSE_SESS hang | no CLOSE_SESS while a SEND runs, waits are bounded, slots are reported | session.ts, slot-closer.ts; poolioc's close-requests.ts, worker-pool.ts |
 * | 13 the rest of a message in clear | can't be guarded: a SEND that returned says nothing of delivery | |
 * | 14 the module's queue has no bound | receiving ahead, until the owner's queue is full | receive-scheduler.ts, session.ts |
 * | section 2: needless LISTENs | only when /proc/pool/status says idle | listen-port.ts |
 * | section 2: STOP is everybody's | /proc/pool/status is watched; on a served device the sockets of /proc/net | listen-watch.ts |
 * | section 3: not yet real, not accepted | thread or packets_recv; connections, bytes, the other end | session-probe.ts, session-role.ts, acceptor.ts |
 */
import { PoolError } from '../../base/errors.js';
import type { Backend } from '../backend.js';
import { KernelBackend, type KernelBackendDeps } from './backend.js';
import { systemClock } from './calls/kernel-clock.js';
import { DEFAULT_PEER_TIMEOUT } from './session/module-liveness.js';
import { identifyDevice, openWithPoolioc, type OpenDevice } from './calls/open-device.js';
import { machineProc } from '../../poolioc/closing/kernel-thread.js';

export interface KernelBackendOptions
  extends Partial<Pick<KernelBackendDeps, 'proc' | 'clock' | 'lock' | 'findPort' | 'isLocal' | 'warn'>> {
  /** Path of the device file. */
  device: string;
  /**
   * ms without a packet from a peer, heartbeats included, after which it counts as lost; 0 is never. Default
   * POOL_PEER_TIMEOUT, else 30 000 (kernel contract, hazard 5).
   */
  peerTimeout?: number;
  open?: OpenDevice;
  identify?: (path: string) => Promise<string>;
}

/** What may be told of a device beside its path. */
type DeviceOptions = Omit<KernelBackendOptions, 'device' | 'identify'>;

/** Backends by device, for both copies (ESM and CommonJS) of the package: a slot has one receiver in a process. */
const SHARED = Symbol.for('pool-ts.kernel-backends');

/**
 * The backend for a device file. One per device and process, opened by its first use and kept; when its device goes away,
 * the next call opens anew. With other options than `device` it is one of its own.
 *
 * Rejects with open's errno as code (ENOENT, EACCES...), and with ERR_OUT_OF_RANGE for POOL_PEER_TIMEOUT.
 */
export async function createKernelBackend(options: KernelBackendOptions): Promise<Backend> {
  const { device, ...others } = options;
  const { identify = identifyDevice, ...rest } = others;
  const identity = await identify(device);
  if (Object.values(others).some((value) => value !== undefined)) return create(device, rest, identity, () => {});
  const shared = ((globalThis as { [SHARED]?: Map<string, Promise<Backend>> })[SHARED] ??= new Map());
  const there = shared.get(identity);
  if (there !== undefined) return there;
  const forget = (): void => {
    if (shared.get(identity) === made) shared.delete(identity);
  };
  const made = create(device, {}, identity, forget);
  shared.set(identity, made);
  made.catch(forget);
  return made;
}

async function create(
  path: string,
  { open = openWithPoolioc, peerTimeout, proc = machineProc, clock = systemClock, ...others }: DeviceOptions,
  identity: string,
  lost: () => void,
): Promise<Backend> {
  const ms = peerTimeout ?? peerTimeoutOf(process.env['POOL_PEER_TIMEOUT']);
  const device = await open(path);
  // What keeps the process alive is decided by session and listener, not by calls inside the kernel.
  device.unref();
  return new KernelBackend({
    ...others,
    device,
    path,
    identity,
    module: device.isCharacterDevice,
    proc,
    clock,
    peerTimeout: ms,
    lost: () => {
      lost();
      void device.close().catch(() => {});
    },
  });
}

function peerTimeoutOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PEER_TIMEOUT;
  const ms = Number(text);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new PoolError('ERR_OUT_OF_RANGE', `POOL_PEER_TIMEOUT is milliseconds from 0 on, not ${JSON.stringify(text)}`);
}
