/** Variables of the environment that pool-ts reads: those that are set, and what is wrong with their values. */
import { type Finding, fail, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

/** What a value has to be; null where it is that. */
type Rule = (value: string, probes: Pick<Probes, 'read'>) => string | null;

const RULES: Readonly<Record<string, Rule>> = {
  POOL_BACKEND: (value) => (['auto', 'kernel', 'user'].includes(value) ? null : 'one of auto, kernel, user'),
  POOL_CRYPTO: (value) => (['openssl', 'node', 'portable'].includes(value) ? null : 'one of openssl, node, portable'),
  POOL_DEVICE: isPath,
  POOL_MAX_SESSIONS: (value) =>
    /^\d+$/.test(value) && Number.isSafeInteger(Number(value)) && Number(value) > 0 ? null : 'a whole number from 1',
  POOL_PEER_TIMEOUT: (value) => (Number.isFinite(Number(value)) && Number(value) >= 0 ? null : 'milliseconds from 0'),
  POOL_WORKER: (value, { read }) => (read(value) === null ? 'the path of dist/poolioc/worker.js' : null),
  POOL_REPL_HISTORY: () => null,
  // The files are looked at by a check of their own.
  POOL_IDENTITY: isPath,
  POOL_PEERS: isPath,
  POOL_PSK_FILE: isPath,
};

function isPath(value: string): string | null {
  return value.includes('\0') ? 'a path' : null;
}

/** What the tests of pool-ts read. */
const TESTING = /^POOL_(?:TEST|FEATURES)_/;

export function environment(probes: Pick<Probes, 'env' | 'read'>): Finding[] {
  const set = Object.entries(probes.env).filter(
    (entry): entry is [string, string] => /^POOL_/.test(entry[0]) && !TESTING.test(entry[0]) && !!entry[1],
  );
  if (set.length === 0) return [ok('environment', 'no POOL_ variable is set')];
  return set.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => judge(name, value, probes));
}

function judge(name: string, value: string, probes: Pick<Probes, 'read'>): Finding {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule === undefined) {
    // A name that nobody reads is most often one that was misspelt.
    const next = `pool-ts knows ${Object.keys(RULES).join(', ')}`;
    return warn('environment', `${name} is set, and pool-ts reads no such variable`, next);
  }
  const wanted = rule(value, probes);
  if (wanted === null) return ok('environment', `${name}=${value}`);
  return fail(
    'environment',
    `${name} is ${JSON.stringify(value)}: it has to be ${wanted}`,
    `set it right, or unset ${name}`,
  );
}
