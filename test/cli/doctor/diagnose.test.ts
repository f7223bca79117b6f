import { describe, expect, it } from 'vitest';
import { diagnose, type DiagnoseFlags } from '../../../src/cli/doctor/diagnose.js';
import { fail, ok } from '../../../src/cli/doctor/finding.js';
import { report } from '../../../src/cli/doctor/report.js';
import { type Machine, machine } from './machine.js';

const plain = { ok: String, warn: String, fail: String };
const openDevice = async () => ({ sessions: async () => [], close: async () => undefined });
const good = { selfTest: async () => ok('self-test', 'talks'), openDevice };
const bad = { selfTest: async () => fail('self-test', 'silent', 'do something'), openDevice };
const withDevice: Machine = { kinds: { '/dev/pool': 'character device' } };

describe('what a diagnosis comes to', () => {
  const cases: [string, Machine, typeof good, Partial<DiagnoseFlags>, object][] = [
    [
      'no device',
      {},
      good,
      {},
      { works: { user: true, kernel: false }, chosen: { backend: 'user', works: true }, usable: true },
    ],
    [
      'a device',
      withDevice,
      good,
      {},
      { works: { user: true, kernel: true }, chosen: { backend: 'kernel', works: true }, usable: true },
    ],
    ['a device and no loopback', withDevice, bad, {}, { works: { user: false, kernel: true }, usable: true }],
    ['neither', {}, bad, {}, { works: { user: false, kernel: false }, chosen: { works: false }, usable: false }],
    [
      'no device where one has to work',
      {},
      good,
      { backend: 'kernel' },
      { chosen: { backend: 'kernel', works: false }, usable: false },
    ],
    [
      'a device that may not be opened',
      { ...withDevice, refused: { '/dev/pool': 'EACCES' } },
      good,
      {},
      { works: { user: true, kernel: false }, chosen: { backend: 'kernel', works: false }, usable: true },
    ],
    [
      'a wrong POOL_BACKEND',
      { env: { POOL_BACKEND: 'both' } },
      good,
      {},
      { chosen: { backend: 'user', works: false }, usable: true },
    ],
    [
      'POOL_BACKEND=user',
      { ...withDevice, env: { POOL_BACKEND: 'user' } },
      good,
      {},
      { chosen: { backend: 'user', works: true } },
    ],
    ['an old Node', { nodeVersion: 'v16.0.0' }, good, {}, { works: { user: false }, usable: false }],
  ];
  it.each(cases)('%s', async (_name, of, trials, flags, expected) => {
    expect(await diagnose({ port: 9253, ...flags }, machine(of), trials)).toMatchObject(expected);
  });

  it('asks no device where there is none', async () => {
    const never = { ...good, openDevice: () => Promise.reject(new Error('opened')) };
    const { checks } = await diagnose({ port: 9253 }, machine(), never);
    expect(checks.map(({ check }) => check)).not.toContain('device call');
  });
});

it('a report tells a backend that works from an environment that keeps programs from it', async () => {
  const env = { POOL_BACKEND: 'nonsense' };
  const lines = report(await diagnose({ port: 9253 }, machine({ env }), good), plain);
  expect(lines).toContain('user backend:   works');
  expect(lines.at(-1)).toBe('programs here take the user backend, if the environment lets them: see above');
});

it('a report has a line for each check, with what to do below it', async () => {
  const lines = report(await diagnose({ port: 9253 }, machine(), bad), plain);
  expect(lines).toContain('fail  self-test      silent');
  expect(lines).toContain('                     → do something');
  expect(lines.slice(-3)).toEqual([
    'user backend:   does not work',
    'kernel backend: no device here',
    'programs here take the user backend, which does not work: see above',
  ]);
});

it('a report goes on below itself where the terminal is narrow', async () => {
  const lines = report(await diagnose({ port: 9253 }, machine(), good), plain, 60);
  for (const line of lines.slice(0, -3)) expect(line.length).toBeLessThanOrEqual(60);
  const at = lines.findIndex((line) => line.includes('device file'));
  expect(lines[at + 1]).toMatch(/^ {21}\S/);
});
