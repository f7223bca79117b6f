import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/index.js';
import { openPort } from '../../../../src/pool/kernel/accepting/listen-port.js';
import type { ProcFiles } from '../../../../src/poolioc/closing/kernel-thread.js';

const taken = { listen: () => Promise.reject(new PoolError('EADDRINUSE', 'LISTEN failed', { errno: 98 })) };

/** A machine on which somebody listens on this port. */
const machine = (port: number): ProcFiles =>
  ({
    read: (file: string) =>
      file === 'net/tcp' ? `  sl\n 0: 0100007F:${port.toString(16).toUpperCase()} 00000000:0000 0A` : null,
  }) as Partial<ProcFiles> as ProcFiles;

describe('a port that a served device refuses', () => {
  it('is in use where somebody listens on it', async () => {
    await expect(openPort(9253, { device: taken, proc: machine(9253), module: false })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: 'port 9253 is in use',
    });
  });

  it('is free where nobody does: the listener that the device has is on another port', async () => {
    await expect(openPort(9254, { device: taken, proc: machine(9253), module: false })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(
        /^the device listens on another port already, and it has one listener: /,
      ) as string,
    });
  });
});
