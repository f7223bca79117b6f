/**
 * Tests that need something of the machine say so through here. Where it is missing they are skipped and the reason is
 * printed; where POOL_TEST_REQUIRE names it (a list of kinds, separated by commas or spaces), missing it is a failure.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** What a machine may lack: rights, a compiler, a terminal, programs, other runtimes, the network, the package before this one. */
export const KINDS = [
  'fuse',
  'netns',
  'procfs',
  'tmpfs',
  'userfaultfd',
  'ipv6',
  'pty',
  'cc',
  'strace',
  'faketime',
  'curl',
  'fusermount3',
  'ssh-keygen',
  'bash',
  'zsh',
  'fish',
  'groff',
  'typedoc',
  'registry',
  'history',
  'node20',
  'node22',
  'node24',
  'node26',
  'bun',
  'deno',
] as const;

/** One of these, so that what is misspelt in POOL_TEST_REQUIRE or in a test does not pass for something that is there. */
export type RequirementKind = (typeof KINDS)[number];

export interface Requirement {
  /** For describe.skipIf and it.skipIf. */
  missing: boolean;
  /** Why it is missing; empty where it is there. */
  reason: string;
}

const required = new Set((process.env['POOL_TEST_REQUIRE'] ?? '').split(/[\s,]+/).filter(Boolean));
for (const name of required) {
  if (!(KINDS as readonly string[]).includes(name)) {
    throw new Error(`POOL_TEST_REQUIRE names ${name}, which no test asks for; there are ${KINDS.join(', ')}`);
  }
}

/** Asks `probe`, which gives null where the thing is there, else the reason why not. */
export function requirement(kind: RequirementKind, probe: () => string | null): Requirement {
  const reason = probe();
  if (reason === null) return { missing: false, reason: '' };
  if (required.has(kind)) throw new Error(`POOL_TEST_REQUIRE names ${kind}, but ${reason}`);
  const line = `skipped for want of ${kind}: ${reason}`;
  console.warn(line);
  const log = process.env['POOL_TEST_SKIPS'];
  if (log !== undefined) appendFileSync(log, `${line}\n`);
  return { missing: true, reason };
}

/** A program on PATH that answers `--version` (or `args`). */
export function program(kind: RequirementKind, name: string, args: readonly string[] = ['--version']): Requirement {
  return requirement(kind, () => {
    const { error, status } = spawnSync(name, args, { stdio: 'ignore' });
    if (error !== undefined) return `there is no ${name} on PATH`;
    return status === 0 ? null : `${name} ${args.join(' ')} ended with ${status}`;
  });
}

/** CAP_SYS_ADMIN of capabilities(7), which mount(2) asks for. */
const CAP_SYS_ADMIN = 1n << 21n;

function mayMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) !== 0n;
}

/** /dev/fuse, and the right to mount with it: root's, which most containers take away, or fusermount3. */
export function fuse(): Requirement {
  return requirement('fuse', () => {
    try {
      closeSync(openSync('/dev/fuse', 'r+'));
    } catch (error) {
      return `/dev/fuse can't be opened (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
    }
    if (process.getuid?.() === 0) return mayMount() ? null : 'root lacks CAP_SYS_ADMIN here, as in most containers';
    const { error } = spawnSync('fusermount3', ['--version'], { stdio: 'ignore' });
    return error === undefined ? null : 'mounting needs root or fusermount3';
  });
}

/** ::1 on the loopback interface. */
export function ipv6(): Requirement {
  return requirement('ipv6', () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    return addresses.some(({ address }) => address === '::1') ? null : 'no interface has ::1';
  });
}

/** The npm registry, from which tests install what users have and the project doesn't need. */
export function registry(): Requirement {
  return requirement('registry', () => {
    const { status, error } = spawnSync('npm', ['ping'], { stdio: 'ignore', timeout: 30_000 });
    if (status === 0) return null;
    return `the npm registry can't be reached (${error?.message ?? `npm ping ended with ${status}`})`;
  });
}

/** A line for the end of `npm test`: counts of what a test runs as a whole. */
export function note(line: string): void {
  console.log(line);
  const log = process.env['POOL_TEST_NOTES'];
  if (log !== undefined) appendFileSync(log, `${line}\n`);
}
