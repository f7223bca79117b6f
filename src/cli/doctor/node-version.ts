/** Whether this Node is one that pool-ts runs on. */
import { type Finding, fail, ok } from './finding.js';
import type { Probes } from './probes.js';

const OLDEST = 20;

export function nodeVersion({
  nodeVersion,
  platform,
  arch,
}: Pick<Probes, 'nodeVersion' | 'platform' | 'arch'>): Finding {
  const says = `${nodeVersion} on ${platform} ${arch}`;
  const major = Number(/^v(\d+)\./.exec(nodeVersion)?.[1]);
  if (major >= OLDEST) return ok('Node', says);
  return fail('Node', `${says} is too old`, `install Node ${OLDEST} or newer`);
}
