import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { lockNames } from '../../../../src/base/abstract-names.js';
import { lockListener } from '../../../../src/pool/kernel/accepting/listener-lock.js';

const linux = process.platform === 'linux';

describe.skipIf(!linux)('one listener per device', () => {
  const device = (name: string): string => `test ${process.pid} ${name}`;

  it('is told who listens already', async () => {
    const lock = await lockListener(device('twice'), '/dev/pool', 4711);
    await expect(lockListener(device('twice'), '/dev/pool')).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('process 4711 listens on /dev/pool already') as string,
    });
    await lock.release();
    await (await lockListener(device('twice'), '/dev/pool')).release();
  });

  it('says so when it is this process itself', async () => {
    const lock = await lockListener(device('self'), '/dev/pool');
    await expect(lockListener(device('self'), '/dev/pool')).rejects.toThrow(/this process listens/);
    await lock.release();
  });

  it('does not mind other devices', async () => {
    const locks = await Promise.all([lockListener(device('a'), 'a'), lockListener(device('b'), 'b')]);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it.each([0, 1])('ends with the process that held name %i of it, however that ended', async (at) => {
    const script = `require('net').createServer().listen(process.argv[1], () => console.log('holds'))`;
    // NUL can't stand in an argument: the child puts it back.
    const name = lockNames('listen', device('killed'))[at]!.slice(1);
    const child = spawn(process.execPath, ['-e', script.replace('process.argv[1]', "'\\0' + process.argv[1]"), name]);
    await once(child.stdout, 'data');
    await expect(lockListener(device('killed'), '/dev/pool')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockListener(device('killed'), '/dev/pool')).release();
  });
});
