import { describe, expect, it } from 'vitest';
import type { ServerLibc } from '../../../src/pooldev/server-libc.js';
import { memoryAccessWarning, requireMemoryCalls } from '../../../src/pooldev/memory/memory-access.js';

const machine = (scope: string, capabilities: string) => (path: string) =>
  path.endsWith('ptrace_scope') ? `${scope}\n` : `Name:\tnode\nCapEff:\t${capabilities}\nSeccomp:\t0\n`;

describe('memoryAccessWarning', () => {
  it.each([
    ['', '0000000000000000', false],
    ['0', '0000000000000000', false],
    ['1', '000001ffffffffff', false],
    ['1', '0000000000000000', true],
    ['2', '000001fffff7ffff', true],
    ['3', '000001ffffffffff', true],
  ])('ptrace_scope %j with capabilities %s', (scope, capabilities, warns) => {
    const warning = memoryAccessWarning(machine(scope, capabilities));
    expect(warning !== null).toBe(warns);
    if (warns) expect(warning).toContain('kernel.yama.ptrace_scope to 0');
  });
});

describe('requireMemoryCalls', () => {
  const libc = (processVmRead: ServerLibc['processVmRead']) =>
    ({ processVmRead, address: () => 1n }) as unknown as ServerLibc;

  it.each([
    [-1, 'EPERM'],
    [-38, 'ENOSYS'],
  ])('refuses to serve where the call gives %i, and says what to do', (ret, code) => {
    expect(() => requireMemoryCalls(libc(() => ret))).toThrow(
      expect.objectContaining({
        code,
        syscall: 'process_vm_readv',
        message: expect.stringContaining('SYS_PTRACE') as string,
      }),
    );
  });
});
