/** A tool in C that makes one request a run, in every verb: what it begins outlives it, as on the module. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findFreePort } from '../../src/pool/kernel/accepting/listen-port.js';
import { fuse, program } from '../require.js';
import { compilePrograms, type CPrograms } from './c-programs.js';
import { until } from './processes.js';
import { type Served, serveDevice } from './served.js';

const missing = fuse().missing || program('cc', 'cc').missing;
const { EADDRINUSE, EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, ENOENT, ENOTCONN } = constants.errno;
/** Operations of CHANNEL. */
const [SUBSCRIBE, UNSUBSCRIBE, LIST] = [1, 2, 3];

describe.skipIf(missing).each([{ strictModule: false }, { strictModule: true }])(
  'a tool that makes one request a run, strictModule $strictModule',
  ({ strictModule }) => {
    let programs: CPrograms;
    let served: Served;
    let port: number;
    beforeAll(async () => {
      programs = compilePrograms('control');
      served = await serveDevice({ strictModule });
    });
    afterAll(async () => {
      await served.stop();
      programs.remove();
    });

    /** What it printed, or the errno that it ended with. */
    function control(...args: (string | number)[]): string | number {
      const { status, stdout, signal } = spawnSync(programs.path('control'), [served.path, ...args.map(String)], {
        encoding: 'utf8',
      });
      if (status !== 0 && status !== 1) throw new Error(`control ${args.join(' ')} ended with ${signal ?? status}`);
      return status === 0 ? stdout.trimEnd() : Number(stdout.split(' ')[0]);
    }

    const table = () =>
      String(control('sessions'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [index, address, peerPort, state, sent, received] = line.split(' ');
          return { index: Number(index), address, port: Number(peerPort), state: Number(state), sent, received };
        });

    beforeEach(async () => {
      port = await findFreePort();
      expect(control('listen', port)).toBe('listening');
    });
    afterEach(() => {
      for (const { index } of table()) expect(control('close', index)).toBe('closed');
      expect(control('stop')).toBe('stopped');
    });

    /** Both ends of a session that one run began. */
    async function session(): Promise<{ near: number; far: number }> {
      const near = Number(control('connect', 'localhost', port));
      await until(() => table().filter(({ state }) => state === 3).length === 2);
      const far = table().find(({ index }) => index !== near)!.index;
      return { near, far };
    }

    it('talks both ways, on channels too, by runs that know nothing of each other', async () => {
      const { near, far } = await session();
      expect(table().find(({ index }) => index === near)).toMatchObject({
        address: '::ffff:127.0.0.1',
        port,
        state: 3,
      });
      expect(control('send', near, 0, 'there')).toBe('sent 5');
      expect(control('recv', far, 0)).toBe('there');
      expect(control('send', far, 0, 'and back')).toBe('sent 8');
      expect(control('recv', near, 0)).toBe('and back');
      expect(control('channel', far, 7, SUBSCRIBE)).toBe('');
      expect(control('channel', far, 200, SUBSCRIBE)).toBe('');
      expect(control('channel', far, 0, LIST)).toBe('7 200');
      expect(control('channel', far, 7, UNSUBSCRIBE)).toBe('');
      expect(control('channel', far, 0, LIST)).toBe('200');
      expect(control('send', near, 7, 'on seven')).toBe('sent 8');
      expect(control('recv', far, 8)).toBe(EAGAIN);
      expect(control('recv', far, 7)).toBe('on seven');
      expect(control('telemetry', near)).toBe('mtu=1400 queue=0 loss=0 uptime=1');
    });

    it('ends a session for both ends, each of which stays in the table until it is closed', async () => {
      const { near, far } = await session();
      expect(control('close', near)).toBe('closed');
      expect(control('close', near)).toBe('closed'); // a free slot
      expect(table().map(({ index }) => index)).toEqual([far]);
      expect(control('recv', far, 0)).toBe(ECONNRESET);
      expect(control('send', near, 0, 'x')).toBe(ENOTCONN);
      expect(control('close', far)).toBe('closed');
      expect(table()).toEqual([]);
    });

    it('is told what it did wrong', async () => {
      expect(control('connect', '127.0.0.1', await findFreePort())).toBe(ECONNREFUSED);
      expect(control('listen', port)).toBe('listening'); // the same again
      expect(control('listen', await findFreePort())).toBe(strictModule ? 'listening' : EADDRINUSE);
      expect(control('send', 5, 0, 'x')).toBe(ENOTCONN);
      expect(control('recv', 5, 0)).toBe(ENOTCONN);
      expect(control('channel', 5, 0, LIST)).toBe(ENOENT);
      const outside = [
        ['send', 64, 0, 'x'],
        ['recv', 64, 0],
        ['channel', 64, 0, LIST],
        ['close', 64],
      ] as const;
      for (const request of outside) expect(control(...request), request[0]).toBe(EINVAL);
      expect(control('close', strictModule ? '0x80000000' : '0x80000040')).toBe(EINVAL);
      const { near } = await session();
      expect(control('send', near, 0, '')).toBe(EINVAL);
      expect(control('channel', near, 0, 9)).toBe(EINVAL);
    });
  },
);
