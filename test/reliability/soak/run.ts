/**
 * `npm run soak -- [--minutes N] [--rekey S] [--kills N] [--seed N]`: hours of conversations between two servers and two
 * clients, processes of their own, with everything that goes wrong: networks that are slow, cut, reset, swallow or change
 * bytes; reads, writes and dials that are cancelled; connections that are destroyed; and, of one server and one client,
 * kills. Each message carries its place and its digest, each rest between two rounds is weighed (heap, descriptors,
 * threads). Prints a line a minute, and ends with 1 if anything was lost, doubled, changed, left behind, or grew.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rekey: { type: 'string', default: '30' },
    kills: { type: 'string', default: '1' },
    seed: { type: 'string', default: process.env['POOL_TEST_SEED'] ?? String(randomInt(2 ** 31)) },
  },
});
const [minutes, rekeySeconds, killsAMinute, seed] = [values.minutes, values.rekey, values.kills, values.seed].map(
  Number,
);
if (!(minutes! > 0) || !(rekeySeconds! > 0) || !(killsAMinute! >= 0) || !Number.isSafeInteger(seed)) {
  console.error('--minutes and --rekey (s) are above 0, --kills (a minute) is not below 0, --seed is a whole number');
  process.exit(2);
}
console.log(`soak of ${minutes} min, REKEY every ${rekeySeconds} s, ${killsAMinute} kills a minute: --seed ${seed}`);
const failures = await soak({
  minutes: minutes!,
  rekeySeconds: rekeySeconds!,
  killsAMinute: killsAMinute!,
  seed: seed!,
  print: (line) => console.log(line),
});
for (const failure of failures) console.error(`FAILED: ${failure}`);
console.log(failures.length === 0 ? 'nothing was lost, doubled, changed or left behind' : `--seed ${seed}`);
process.exitCode = failures.length === 0 ? 0 : 1;
