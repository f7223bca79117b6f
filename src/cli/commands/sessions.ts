/** `pool-ts sessions`: the session table of a device, and closing one of its sessions. */
import { Command } from 'commander';
import { DEVICE_OPTION, integer } from '../common-options.js';
import { exitCodeOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { columnsOf } from '../screen/text-width.js';
import { print, type Terminal } from '../terminal.js';

interface SessionsFlags {
  device?: string;
  json?: boolean;
}

/** POOL_MAX_SESSIONS of pool.h. */
const LAST_INDEX = 63;

const EXAMPLES = `
Examples:
  pool-ts sessions                          the sessions of /dev/pool, or of $POOL_DEVICE
  pool-ts sessions --device /tmp/pool
  pool-ts sessions --json | jq '.[] | select(.state == "CLOSING").index'
  pool-ts sessions close 3                  end the session in slot 3, whichever program uses it

Without a device there is no table, and the command ends with 69: each program then has a POOL node of its own.
On the kernel module an accepted session shows whom its slot dialled before, and RTT is no measurement; a session that the
peer has closed is never closed again, because that would crash the kernel.`;

export function sessionsCommand(terminal: Terminal): Command {
  const command = new Command('sessions')
    .description("list the sessions of a device's table, or close one")
    .option(...DEVICE_OPTION)
    .option('--json', 'one array of objects, as one line')
    .addHelpText('after', EXAMPLES)
    .action((flags: SessionsFlags) => list(terminal, flags));
  return command.addCommand(
    new Command('close')
      .description('end a session with CLOSE, as its own program would')
      .argument('<index>', 'its slot, as the list shows it', integer({ min: 0, max: LAST_INDEX }))
      .option('--device <path>', 'device file (default: $POOL_DEVICE, else /dev/pool)')
      .option('--json', 'print the session that was closed as an object')
      .addHelpText('after', '\nExample:\n  pool-ts sessions close 3 --device /tmp/pool')
      .action((index: number, _flags: SessionsFlags, self: Command) =>
        close(terminal, index, self.optsWithGlobals<SessionsFlags>()),
      ),
  );
}

async function list(terminal: Terminal, flags: SessionsFlags): Promise<void> {
  const { withDevice } = await import('../sessions/device-table.js');
  const { sessionRow } = await import('../sessions/session-row.js');
  const { sessionList } = await import('../sessions/session-list.js');
  const listed = withDevice(flags.device, terminal.env, async (device) => {
    const rows = (await device.sessions()).map(sessionRow);
    const width = columnsOf(terminal.stdout, Infinity);
    const text = () => sessionList(rows, device.isCharacterDevice, width).join('\n');
    await print(terminal, flags.json === true ? JSON.stringify(rows) : text());
  });
  await listed.catch(async (error: unknown) => {
    // What reads JSON gets JSON, also where there is nothing; the exit code tells why.
    if (flags.json === true && exitCodeOf(error) === EXIT.UNAVAILABLE) await print(terminal, '[]');
    throw error;
  });
}

async function close(terminal: Terminal, index: number, flags: SessionsFlags): Promise<void> {
  const { withDevice } = await import('../sessions/device-table.js');
  const { closeInTable } = await import('../sessions/close-session.js');
  const { peerText } = await import('../sessions/session-row.js');
  const { findKernelThread } = await import('../../poolioc/index.js');
  const row = await withDevice(flags.device, terminal.env, (device) => closeInTable(device, index, findKernelThread));
  await print(terminal, flags.json === true ? JSON.stringify(row) : `closed session ${index} (${peerText(row)})`);
}
