/** Options that several commands take, and the readers of their values. */
import { LONGEST_TIMER_MS } from '../base/timers.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isIPv6 } from 'node:net';
import type { BackendChoice, CommonOptions, DialOptions, Network } from '../index.js';
import { type ProofFlags, type ProofUse, withProofOptions } from './peers/proof-flags.js';

/** Options of a command that opens sessions, as commander gives them. */
export interface SessionFlags extends ProofFlags {
  backend?: BackendChoice;
  device?: string;
  network?: Network;
  verbose?: boolean;
  /** ms */
  timeout?: number;
}

/** Of a command that looks at a device. */
export const DEVICE_OPTION = ['--device <path>', 'device file (default: $POOL_DEVICE, else /dev/pool)'] as const;

/** {@link withIdleTimeout}, as commander gives it. */
export interface IdleFlags {
  /** ms */
  idleTimeout?: number;
}

/**
 * Adds `--backend`, `--device`, `--network`, `--verbose`, and who the two sides are ({@link withProofOptions}); a command that
 * dials adds {@link withTimeout} as well.
 * @param verbose what --verbose tells besides the backend and why it was chosen
 */
export function withSessionOptions(command: Command, role: ProofUse, verbose = ''): Command {
  const carried = command
    .addOption(
      new Option('--backend <name>', 'kernel module or node in user space').choices(['auto', 'kernel', 'user']),
    )
    .option('--device <path>', 'device file of the kernel module (default: $POOL_DEVICE, else /dev/pool)')
    .addOption(new Option('--network <name>', 'address family').choices(['pool', 'pool4', 'pool6']))
    .option('-v, --verbose', `tell on standard error ${verbose}which backend is used, and why`);
  return withProofOptions(carried, role);
}

/** Adds `--timeout`, the time that dialling may take. */
export function withTimeout(command: Command): Command {
  return command.option('--timeout <seconds>', 'give up dialling after this long', seconds({ min: 0.001 }));
}

/** Adds `--idle-timeout` for a session that carries what others send: whether a peer is dead or silent can't be seen there. */
export function withIdleTimeout(command: Command): Command {
  return command.option(
    '--idle-timeout <seconds>',
    'give a session up when nothing moved for so long (default: never)',
    seconds({ min: 0.001 }),
  );
}

/** The option of dial and listen that {@link withIdleTimeout} asks for. */
export function idleOptions({ idleTimeout }: IdleFlags): Pick<CommonOptions, 'idleTimeout'> {
  return { idleTimeout };
}

/** Where to listen: a port alone is every address, as with `:port`; or host and port apart, as for {@link peerAddress}. */
export function listenAddress(text: string, port?: string): string {
  return port === undefined && /^\d+$/.test(text) ? `:${text}` : peerAddress(text, port);
}

/** Whom to dial: `host:port`, `pool://host:port` as some write it, or host and port apart, as netcat has them. */
export function peerAddress(text: string, port?: string): string {
  const host = withoutScheme(text);
  if (port === undefined) return host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The second argument of commands that take an address, for whoever is used to netcat. */
export const PORT_APART = ['[port]', 'the port, where it is not behind the host'] as const;

function withoutScheme(text: string): string {
  return text.replace(/^pool:\/\/([^/]*)\/?$/i, '$1');
}

/** The options of dial and listen that these flags ask for. */
export function sessionOptions({
  backend,
  device,
  network,
}: SessionFlags): Pick<DialOptions, 'backend' | 'device' | 'network'> {
  return { backend, device, network };
}

/** The options of dial that these flags ask for. */
export function dialOptions(flags: SessionFlags): Pick<DialOptions, 'backend' | 'device' | 'network' | 'timeout'> {
  return { ...sessionOptions(flags), timeout: flags.timeout };
}

/** An option in seconds with a default; the help names the default in seconds too, while the command gets ms. */
export function secondsOption(
  flags: string,
  description: string,
  { usual, ...range }: { usual: number; min: number; max?: number },
): Option {
  return new Option(flags, description).argParser(seconds(range)).default(usual * 1000, String(usual));
}

/** Reads a whole number from `min` to `max`. */
export function integer({ min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number }) {
  return (text: string): number => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** The longest time that a timer of Node takes, in seconds. */
const MAX_SECONDS = LONGEST_TIMER_MS / 1000;

/** Reads seconds, fractions allowed, and gives ms. */
export function seconds({ min, max = MAX_SECONDS }: { min: number; max?: number }) {
  return (text: string): number => {
    const value = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= min && value <= max) return value * 1000;
    throw new InvalidArgumentError(`It must be seconds, from ${min} to ${Math.floor(max)}.`);
  };
}
