/** A network of the system's own that loses packets, and one that is narrow, in a namespace where nobody else is. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';
import { reached, timeout, tries } from '../reliability/figures.js';
import { requirement } from '../require.js';

const NETWORKS: readonly (readonly [name: string, commands: string])[] = [
  [
    'that loses 3 packets of 100',
    `nft add table inet bad && nft 'add chain inet bad input { type filter hook input priority 0; }' &&
     nft 'add rule inet bad input meta l4proto tcp numgen random mod 100 < 3 drop'`,
  ],
  ['of 8 Mbit/s', 'ip link set lo mtu 1500 && tc qdisc add dev lo root tbf rate 8mbit burst 64kb latency 200ms'],
];

/** A shell in a network namespace with a loopback interface of its own. */
function inNamespace(script: string, args: readonly string[] = []) {
  return spawnSync('unshare', ['--net', 'sh', '-ec', `ip link set lo up\n${script}`, 'sh', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/** A network namespace, nft and tc. */
const netns = () =>
  requirement('netns', () => {
    const { error, status, stderr } = inNamespace(NETWORKS.map(([, commands]) => commands).join('\n'));
    if (error !== undefined) return `there is no unshare: ${error.message}`;
    return status === 0 ? null : `a network can't be made bad here: ${stderr.trim()}`;
  });

describe.skipIf(process.platform !== 'linux' || netns().missing)('a network', () => {
  it.each(NETWORKS)('%s changes, loses and ends nothing', { timeout: timeout('B3', 120_000) }, (_, commands) => {
    const bytes = (tries('B3') / NETWORKS.length) * 1024 * 1024;
    const program = [process.execPath, '--import', 'tsx', 'test/programs/bad-network.ts', String(bytes)];
    const { stdout, stderr } = inNamespace(`${commands}\nexec "$@"`, program);
    expect(JSON.parse(stdout || '{}'), stderr).toEqual({ equal: true, by: 'remote' });
    reached('B3', tries('B3') / NETWORKS.length);
  });
});
