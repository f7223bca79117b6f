/**
 * Where the text of the features meets different ground. A scenario says what a POOL user may expect; what the kernel
 * module is known to do otherwise (kernel contract, sections 2 to 4) stands here, once, and nowhere in the steps.
 */
import { statSync } from 'node:fs';

/** What carries one end of a scenario. */
export type Ground =
  /** The node that pool-ts runs in the process. */
  | 'user'
  /** A device file that pool-ts serves, with the good manners that the module lacks. */
  | 'device'
  /** The kernel module, or a served device that imitates it. */
  | 'module';

export interface Expectations {
  /** Hosts that `listen` takes: the module listens on all addresses of the machine. */
  readonly listenHost: 'any' | 'unspecified';
  /** Bytes of the largest message (kernel contract, hazard 6). */
  readonly largestMessage: number;
  /** What was queued for the program when the peer's CLOSE came: the module drops it. */
  readonly queuedAtClose: 'kept' | 'may be lost';
  /** The peer's address on an accepted connection: `[::]:0` where /proc/net/tcp does not tell it. */
  readonly acceptedRemote: 'known' | 'may be unknown';
  /** A connection's own address: the module does not tell it. */
  readonly localAddress: 'known' | 'unknown';
  /** Whether a dial notices a forged ACK and a public key of low order: the module checks neither for certain. */
  readonly handshakeChecks: 'all' | 'some';
  /** Slots of the session table that a program can fill. */
  readonly tableSlots: number;
}

export const EXPECTATIONS: Readonly<Record<Ground, Expectations>> = {
  user: {
    listenHost: 'any',
    largestMessage: 65535,
    queuedAtClose: 'kept',
    acceptedRemote: 'known',
    localAddress: 'known',
    handshakeChecks: 'all',
    tableSlots: 4,
  },
  device: {
    listenHost: 'unspecified',
    largestMessage: 65511,
    queuedAtClose: 'kept',
    acceptedRemote: 'known',
    localAddress: 'known',
    handshakeChecks: 'all',
    tableSlots: 64,
  },
  module: {
    listenHost: 'unspecified',
    largestMessage: 65511,
    queuedAtClose: 'may be lost',
    acceptedRemote: 'may be unknown',
    localAddress: 'unknown',
    handshakeChecks: 'some',
    tableSlots: 64,
  },
};

export type BackendName = 'auto' | 'kernel' | 'user';

/** The environment that names what the features run against. */
export interface Environment {
  /** As for every program of pool-ts. */
  readonly POOL_BACKEND?: string | undefined;
  readonly POOL_DEVICE?: string | undefined;
  /** The backend of one end alone, for runs from one backend to the other. */
  readonly POOL_FEATURES_CLIENT?: string | undefined;
  readonly POOL_FEATURES_SERVER?: string | undefined;
  /** `module` for a served device that imitates the module; a character device is always taken for one. */
  readonly POOL_FEATURES_GROUND?: string | undefined;
}

function backendName(text: string | undefined): BackendName {
  if (text === undefined || text === '') return 'auto';
  if (text === 'auto' || text === 'kernel' || text === 'user') return text;
  throw new Error(`features: a backend is auto, kernel or user, not ${JSON.stringify(text)}`);
}

/** The backend that a scenario asks for at one end, and the ground that this end stands on. */
export function endOf(
  side: 'client' | 'server',
  env: Environment = process.env,
): { backend: BackendName; device: string; ground: Ground } {
  const own = side === 'client' ? env.POOL_FEATURES_CLIENT : env.POOL_FEATURES_SERVER;
  const backend = backendName(own ?? env.POOL_BACKEND);
  const device = env.POOL_DEVICE ?? '/dev/pool';
  const stat = statSync(device, { throwIfNoEntry: false });
  if (backend === 'user' || (backend === 'auto' && stat === undefined)) return { backend, device, ground: 'user' };
  const module = stat?.isCharacterDevice() === true || env.POOL_FEATURES_GROUND === 'module';
  return { backend, device, ground: module ? 'module' : 'device' };
}
