import type { SessionEnd, SessionHandler } from '../../../src/base/session.js';
import { Addr } from '../../../src/pool/address/addr.js';
import type { BackendListener, BackendListenOptions, BackendSession } from '../../../src/pool/backend.js';
import type { PoolError } from '../../../src/base/errors.js';
import { KernelBackend } from '../../../src/pool/kernel/backend.js';
import type { ListenerLock } from '../../../src/pool/kernel/accepting/listener-lock.js';
import { ManualClock, settle } from './manual-clock.js';
import { ScriptedDevice, type ScriptedDeviceOptions } from './scripted-device.js';

/** A handler that writes down what it is told. */
export class Recorder implements SessionHandler {
  readonly messages: string[] = [];
  readonly ends: SessionEnd[] = [];
  drains = 0;
  /** What `message` answers. */
  room = true;

  message(channel: number, data: Uint8Array): boolean {
    this.messages.push(`${channel}:${Buffer.from(data).toString()}`);
    return this.room;
  }

  drain(): void {
    this.drains += 1;
  }

  end(end: SessionEnd): void {
    this.ends.push(end);
  }

  /** How it ended: 'remote', 'local', or the error's code. */
  get ended(): string | undefined {
    const [end] = this.ends;
    return end?.error?.code ?? end?.by;
  }
}

export interface Bench {
  clock: ManualClock;
  device: ScriptedDevice;
  backend: KernelBackend;
  warnings: string[];
}

export interface BenchOptions extends Omit<ScriptedDeviceOptions, 'clock'> {
  peerTimeout?: number;
  findPort?: () => Promise<number>;
  isLocal?: (address: string) => boolean;
  lock?: (identity: string, path: string) => Promise<ListenerLock>;
}

export function bench({
  peerTimeout = 30_000,
  findPort,
  lock = unlocked,
  isLocal = () => false,
  ...options
}: BenchOptions = {}): Bench {
  const clock = new ManualClock();
  const device = new ScriptedDevice({ clock, ...options });
  const warnings: string[] = [];
  const backend = new KernelBackend({
    device,
    path: '/dev/pool',
    identity: 'test',
    module: device.module,
    proc: device.proc,
    clock,
    peerTimeout,
    lock,
    isLocal,
    warn: (message) => warnings.push(message),
    findPort,
  });
  return { clock, device, backend, warnings };
}

const unlocked = async (): Promise<ListenerLock> => ({ release: async () => {} });

export const PEER = new Addr('10.0.0.1', 9253);

/** A dialled session and what it delivers. */
export async function dialled(
  { backend }: Bench,
  recorder = new Recorder(),
): Promise<{ session: BackendSession; seen: Recorder }> {
  const session = await backend.dial(PEER, {});
  session.start(recorder);
  await settle();
  return { session, seen: recorder };
}

export interface Listening {
  listener: BackendListener;
  accepted: { session: BackendSession; seen: Recorder }[];
  dropped: string[];
  failures: PoolError[];
}

export async function listening({ backend }: Bench, options: Partial<BackendListenOptions> = {}): Promise<Listening> {
  const accepted: Listening['accepted'] = [];
  const dropped: string[] = [];
  const failures: PoolError[] = [];
  const listener = await backend.listen({
    host: '',
    port: 9253,
    ipv4Only: false,
    ipv6Only: false,
    admit: () => null,
    session: (session) => {
      const seen = new Recorder();
      accepted.push({ session, seen });
      session.start(seen);
    },
    dropped: (remote, reason) => dropped.push(`${remote.toString()} ${reason}`),
    failed: (error) => failures.push(error),
    ...options,
  });
  return { listener, accepted, dropped, failures };
}

/** Sends and waits: 'sent', or the error's code; null while it isn't done. */
export function send(session: BackendSession, data: string | Uint8Array, channel = 0): { result: string | null } {
  const state: { result: string | null } = { result: null };
  session.send(channel, Buffer.from(data as string), (error) => (state.result = error?.code ?? 'sent'));
  return state;
}
