/**
 * Where the text of the features meets different ground. A scenario says what a POOL user may expect; what the kernel
 * module is known to do otherwise (kernel contract, sections 2 to 4) stands here, once, and nowhere in the steps.
 */
import { statSync } from 'node:fs';
import { GOOD_BEHAVIOUR, type Behaviour, MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';

/** What carries one end of a scenario. */
export type Ground =
  /** The node that pool-ts runs in the process. */
  | 'user'
  /** A device file that pool-ts serves, which behaves better than the module. */
  | 'device'
  /** A device file that pool-ts serves with --strict-module. */
  | 'strict'
  /** The kernel module. */
  | 'module';

export interface Expectations extends Pick<Behaviour, 'queuedAtClose' | 'acceptedRemote' | 'localAddress'> {
  /** Hosts that `listen` takes: the module listens on all addresses of the machine. */
  readonly listenHost: 'any' | 'unspecified';
  /** Bytes of the largest message (kernel contract, hazard 6). */
  readonly largestMessage: number;
  /**
   * Whether a dial looks at all that the peer answers. The module notices a forged ACK and a public key of low order only by
   * chance, and neither another version nor a puzzle that nobody solves: where such a peer says nothing more, it waits until
   * the dial's time is over (kernel contract, section 5).
   */
  readonly handshakeChecks: 'all' | 'some';
  /** Slots of the session table that a program can fill. */
  readonly tableSlots: number;
}

const DEVICE = { ...GOOD_BEHAVIOUR, listenHost: 'unspecified', largestMessage: 65511, tableSlots: 64 } as const;

export const EXPECTATIONS: Readonly<Record<Ground, Expectations>> = {
  user: { ...GOOD_BEHAVIOUR, listenHost: 'any', largestMessage: 65535, handshakeChecks: 'all', tableSlots: 4 },
  device: { ...DEVICE, handshakeChecks: 'all' },
  strict: { ...DEVICE, ...MODULE_BEHAVIOUR, handshakeChecks: 'all' },
  module: { ...DEVICE, ...MODULE_BEHAVIOUR, handshakeChecks: 'some' },
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
  /** `strict` for a device served with --strict-module; a character device is always taken for the module. */
  readonly POOL_FEATURES_TARGET?: string | undefined;
}

function backendName(text: string | undefined): BackendName {
  if (text === undefined || text === '') return 'auto';
  if (text === 'auto' || text === 'kernel' || text === 'user') return text;
  throw new Error(`features: a backend is auto, kernel or user, not ${JSON.stringify(text)}`);
}

/**
 * By what time limits are multiplied, for machines that are slow, as an emulated one is: `POOL_TEST_TIME_FACTOR`, 1 without.
 * Throws for what is no number of 1 or more.
 */
export function timeFactor(text: string | undefined = process.env['POOL_TEST_TIME_FACTOR']): number {
  if (text === undefined || text === '') return 1;
  const factor = Number(text);
  if (factor >= 1) return factor;
  throw new Error(`POOL_TEST_TIME_FACTOR is a number of 1 or more, not ${JSON.stringify(text)}`);
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
  if (stat?.isCharacterDevice() === true) return { backend, device, ground: 'module' };
  return { backend, device, ground: env.POOL_FEATURES_TARGET === 'strict' ? 'strict' : 'device' };
}
