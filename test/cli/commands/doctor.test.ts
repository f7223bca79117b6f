import { afterEach, describe, expect, it } from 'vitest';
import { run as runCommand } from '../../../src/cli/program.js';
import { killAll } from '../../programs/run.js';
import { fuse } from '../../require.js';
import { serveDevice } from '../../device/served.js';
import { testTerminal } from '../test-terminal.js';

afterEach(killAll);

async function doctor(...args: string[]) {
  const terminal = testTerminal();
  const code = await runCommand(['doctor', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

interface Json {
  works: { user: boolean; kernel: boolean };
  chosen: object;
  usable: boolean;
  checks: { check: string; status: string; says: string }[];
}

describe('pool-ts doctor', () => {
  it('finds that this machine can talk POOL, and exits with 0', async () => {
    const { code, out, err } = await doctor('--device', '/nowhere/pool', '--port', '1');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^ok +self-test/m);
    expect(out).toMatch(/^fail +device file +\/nowhere\/pool does not exist/m);
    expect(out).toMatch(/^user backend: +works$/m);
    expect(out).not.toContain('\x1b');
  });

  it('exits with 69 where the backend that has to work does not', async () => {
    const { code, out, err } = await doctor('--device', '/nowhere/pool', '--backend', 'kernel', '--json');
    expect({ code, err }).toEqual({ code: 69, err: 'pool-ts doctor: the kernel backend does not work here\n' });
    expect(JSON.parse(out)).toMatchObject({ works: { user: true, kernel: false }, usable: false });
  });

  it.skipIf(fuse().missing)('asks a served device for its sessions', async () => {
    await using device = await serveDevice();
    const { code, out } = await doctor('--device', device.path, '--backend', 'kernel', '--json');
    const { works, checks } = JSON.parse(out) as Json;
    expect(works.kernel).toBe(true);
    expect(checks).toContainEqual({
      check: 'device file',
      status: 'ok',
      says: `${device.path} is mounted by pool-ts, process ${device.pid}, through FUSE`,
    });
    expect(checks.find(({ check }) => check === 'device call')?.says).toContain('0 sessions');
    expect(code).toBe(0);
  });
});
