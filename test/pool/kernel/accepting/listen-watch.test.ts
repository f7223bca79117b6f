import { expect, it } from 'vitest';
import { ListenWatch } from '../../../../src/pool/kernel/accepting/listen-watch.js';
import { ManualClock } from '../manual-clock.js';

const PORT = 0x2425;
const LISTENS =
  '  sl  local_address\n   0: 0100007F:2425 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77\n';

/** A watch on a served device, what the device has told by now, and whether the port's socket is there. */
function watching(sight: { told: number | null; visible: boolean; fails?: boolean }, module = false) {
  const clock = new ManualClock();
  const ends: string[] = [];
  const watch = new ListenWatch({
    proc: {
      read: (path) => {
        if (sight.fails === true) throw new Error('EMFILE');
        if (path === 'pool/status') return `Status: ${sight.visible ? 'listening' : 'idle'}\nListen port: ${PORT}\n`;
        return sight.visible && path.endsWith('net/tcp') ? LISTENS : null;
      },
      list: () => [],
    },
    clock,
    module,
    port: PORT,
    told: () => sight.told,
    ended: ({ code }) => ends.push(code),
  });
  return { clock, ends, watch };
}

it.each([
  ['another port, of an older listener', 9000],
  ['no port, of the time before', 0],
])('waits for the device to tell of the listener, whatever it told last: %s', async (_, told) => {
  const sight = { told, visible: true };
  const { clock, ends } = watching(sight);
  await clock.advance(30_000);
  expect(ends).toEqual([]);
  sight.told = PORT;
  await clock.advance(5000);
  expect(ends).toEqual([]);
  // From then on its word counts, also where another program has a socket on the port by now.
  sight.told = 0;
  await clock.advance(3000);
  expect(ends).toEqual(['ECONNABORTED']);
});

it('goes by the sockets until the device has told of the listener', async () => {
  const sight = { told: 0, visible: true };
  const { clock, ends } = watching(sight);
  sight.visible = false;
  await clock.advance(3000);
  expect(ends).toEqual(['ECONNABORTED']);
});

it.each([true, false])('concludes nothing while /proc can’t be read: on the module %s', async (module) => {
  const sight = { told: null, visible: true, fails: false };
  const { clock, ends } = watching(sight, module);
  sight.fails = true;
  await clock.advance(10_000);
  expect(ends).toEqual([]);
  Object.assign(sight, { visible: false, fails: false });
  await clock.advance(3000);
  expect(ends).toEqual(['ECONNABORTED']);
});

it('looks no more once it is cancelled', async () => {
  const sight = { told: PORT, visible: true };
  const { clock, ends, watch } = watching(sight);
  watch.cancel();
  sight.told = 0;
  await clock.advance(5000);
  expect(ends).toEqual([]);
});
