/** `pool-ts top`: the sessions of a device, live. */
import { Command, Option } from 'commander';
import { exitCodeOf } from '../cli-error.js';
import { DEVICE_OPTION, integer, secondsOption } from '../common-options.js';
import { EXIT } from '../exit-codes.js';
import { SORT_KEYS, type SortKey } from '../sessions/sort-order.js';
import { print, type Terminal } from '../terminal.js';

interface TopFlags {
  device?: string;
  /** ms */
  interval: number;
  sort: SortKey;
  iterations?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pool-ts top                               the sessions of /dev/pool, or of $POOL_DEVICE, every second; q quits
  pool-ts top --sort throughput --interval 0.5
  pool-ts top --iterations 10 > log         ten snapshots; without --iterations a pipe or a file gets one
  pool-ts top --json --iterations 0 | jq '.sessions | length'

Keys: q quits; i, p, r, t, l and u sort by index, peer, RTT, throughput, loss and uptime, the same again in reverse.
Rates are those of the device's byte counters from one look to the next. RTT and loss are the device's figures: a device of
pool-ts measures them with a heartbeat every 5 s; those of the kernel module (marked *) count idle time and mislead.
Without a device there is no table, and the command ends with 69: each program then has a POOL node of its own.`;

export function topCommand(terminal: Terminal): Command {
  return new Command('top')
    .description("watch the sessions of a device's table: round trip, throughput and loss")
    .option(...DEVICE_OPTION)
    .addOption(secondsOption('--interval <seconds>', 'time between two looks', { usual: 1, min: 0.1, max: 3600 }))
    .addOption(new Option('--sort <key>', 'what to sort by').choices(SORT_KEYS).default('index'))
    .option('--iterations <n>', 'end after so many snapshots; 0 is never', integer({ min: 0 }))
    .option('--json', 'each snapshot as one line of JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: TopFlags) => watch(terminal, flags));
}

async function watch(terminal: Terminal, flags: TopFlags): Promise<void> {
  const { devicePath, withDevice } = await import('../sessions/device-table.js');
  const { emptySnapshot, top } = await import('../sessions/top.js');
  const { interval, sort, iterations, json = false } = flags;
  const watching = withDevice(flags.device, terminal.env, (device) =>
    top(terminal, device, {
      intervalMs: interval,
      sort,
      iterations: iterations === 0 ? Infinity : iterations,
      json,
    }),
  );
  await watching.catch(async (error: unknown) => {
    // As sessions --json: what reads JSON gets JSON, and the exit code tells why there is nothing in it.
    if (json && exitCodeOf(error) === EXIT.UNAVAILABLE) {
      await print(terminal, emptySnapshot(devicePath(flags.device, terminal.env)));
    }
    throw error;
  });
}
