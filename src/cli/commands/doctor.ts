/** `pool-ts doctor`: what works on this machine, what does not, and what to do about it. */
import { Command, Option } from 'commander';
import { DEFAULT_DEVICE, DEFAULT_PORT } from '../../index.js';
import { CliError } from '../cli-error.js';
import { integer } from '../common-options.js';
import { withProofOptions } from '../peers/proof-flags.js';
import type { Diagnosis, DiagnoseFlags } from '../doctor/diagnose.js';
import { EXIT } from '../exit-codes.js';
import { colorsFor } from '../screen/colors.js';
import { columnsOf } from '../screen/text-width.js';
import { print, type Terminal } from '../terminal.js';

interface DoctorFlags extends DiagnoseFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pool-ts doctor                            what works here, and what to do about the rest
  pool-ts doctor --backend kernel           exit 69 unless programs can use the device
  pool-ts doctor --device /tmp/pool --port 7000
  pool-ts doctor --json | jq .works
  pool-ts doctor --identity id --peers friends   whether these files can be used

Nothing is changed: the port is tried and given back, the device is asked for its session table, and a service on the
port gets the first packet of a handshake.

Exit codes: 0 POOL can be used, by the backend that --backend names, else by either; 69 it can't.`;

export function doctorCommand(terminal: Terminal): Command {
  const command = new Command('doctor')
    .description('find out what works on this machine, and what to do about the rest')
    .addOption(new Option('--backend <name>', 'the one that has to work').choices(['auto', 'kernel', 'user']))
    .option('--device <path>', `device file to look at (default: $POOL_DEVICE, else ${DEFAULT_DEVICE})`)
    .option('--port <number>', 'port to look at', integer({ min: 1, max: 65535 }), DEFAULT_PORT)
    .option('--json', 'print one object');
  return withProofOptions(command, 'both')
    .addHelpText('after', EXAMPLES)
    .action((flags: DoctorFlags) => doctor(terminal, flags));
}

async function doctor(terminal: Terminal, flags: DoctorFlags): Promise<void> {
  const [{ diagnose }, { machineProbes }, { report }] = await Promise.all([
    import('../doctor/diagnose.js'),
    import('../doctor/probes.js'),
    import('../doctor/report.js'),
  ]);
  const diagnosis = await diagnose(flags, machineProbes(terminal.env));
  const { red, yellow, green } = colorsFor(terminal);
  const text = flags.json
    ? JSON.stringify(diagnosis, null, 2)
    : report(diagnosis, { ok: green, warn: yellow, fail: red }, columnsOf(terminal.stdout, Infinity)).join('\n');
  await print(terminal, text);
  if (!diagnosis.usable) throw new CliError(EXIT.UNAVAILABLE, verdict(flags, diagnosis));
}

function verdict({ backend }: DoctorFlags, { chosen }: Diagnosis): string {
  if (backend === undefined) return 'POOL can be used on neither backend here';
  return `the ${chosen.backend} backend does not work here`;
}
