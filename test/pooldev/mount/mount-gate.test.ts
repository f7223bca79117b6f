import { describe, expect, it } from 'vitest';
import { MountGate } from '../../../src/pooldev/mount/mount-gate.js';

/** The gate as the device's thread and as the program's thread has it. */
function gate(): { device: MountGate; program: MountGate } {
  const program = new MountGate();
  return { program, device: new MountGate(program.shared) };
}

describe('mounting while the program ends', () => {
  it('does not begin after the program shut the gate, which then waits for nothing', () => {
    const { device, program } = gate();
    expect(program.shut()).toBe(true);
    expect(device.enter()).toBe(false);
    expect(program.shut()).toBe(true);
  });

  it('is waited for when it began first', () => {
    const { device, program } = gate();
    expect(device.enter()).toBe(true);
    expect(program.shut()).toBe(false);
    expect(program.released(1)).toBe(false);
    device.release();
    expect(program.released(10_000)).toBe(true);
  });

  it('needs no waiting when the connection is closed already', () => {
    const { device, program } = gate();
    device.enter();
    device.release();
    expect(program.shut()).toBe(false);
    expect(program.released(10_000)).toBe(true);
  });
});
