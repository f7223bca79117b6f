/** The command line: commands by name, what went wrong in one line, and an exit code for it. */
import { Command, CommanderError } from 'commander';
import { exitCodeOf, faultOf, lineOf } from './cli-error.js';
import { benchCommand } from './commands/bench.js';
import { bridgeCommand } from './commands/bridge.js';
import { completionCommand, manualCommand } from './commands/completion.js';
import { connectCommand } from './commands/connect.js';
import { deviceCommand } from './commands/device.js';
import { doctorCommand } from './commands/doctor.js';
import { keygenCommand } from './commands/keygen.js';
import { listenCommand } from './commands/listen.js';
import { metricsCommand } from './commands/metrics.js';
import { pingCommand } from './commands/ping.js';
import { receiveCommand } from './commands/receive.js';
import { replCommand } from './commands/repl.js';
import { sendCommand } from './commands/send.js';
import { sessionsCommand } from './commands/sessions.js';
import { telemetryCommand } from './commands/telemetry.js';
import { topCommand } from './commands/top.js';
import { EXIT } from './exit-codes.js';
import { reflow } from './screen/reflow.js';
import { columnsOf, printable } from './screen/text-width.js';
import { tellBackend } from './tell-backend.js';
import { print, type Terminal } from './terminal.js';
import { packageVersion } from '../base/package-files.js';

/** Commands in the order of `--help`. Each file loads what its command needs only when the command runs. */
const COMMANDS: readonly ((terminal: Terminal) => Command)[] = [
  listenCommand,
  connectCommand,
  pingCommand,
  sendCommand,
  receiveCommand,
  sessionsCommand,
  topCommand,
  telemetryCommand,
  metricsCommand,
  bridgeCommand,
  keygenCommand,
  benchCommand,
  deviceCommand,
  doctorCommand,
  replCommand,
  completionCommand,
  manualCommand,
];

/** Cells of an output that is no terminal, and most likely read on one. */
const USUAL_COLUMNS = 80;

const EXAMPLES = `
Exit codes: 0 done; 1 the network or the peer said no; 64 wrong usage; 65 data damaged; 66 no such file; 68 no such host;
69 something of the machine is missing; 70 a fault of pool-ts; 73 no file can be made; 74 disk trouble; 75 try again;
76 protocol or authentication; 77 no permission; 128 and more for signals: 130 for ^C, 141 where nobody reads the output.

pool-ts COMMAND --help tells more of each command, by example.`;

export function program(terminal: Terminal): Command {
  const root = new Command('pool-ts')
    .description('See and use a POOL network from a terminal.')
    .version(packageVersion())
    .addHelpText('after', EXAMPLES);
  for (const make of COMMANDS) root.addCommand(make(terminal));
  // What other programs have as a command is typed here too.
  root.addCommand(
    new Command('version').action(() => print(terminal, packageVersion())),
    { hidden: true },
  );
  settle(root, terminal);
  return root;
}

/** Commander's own ending and printing, for a command and all below it: nothing here ends the process. */
function settle(command: Command, terminal: Terminal): void {
  const width = (): number => columnsOf(terminal.stdout, USUAL_COLUMNS);
  command.exitOverride().configureOutput({
    writeOut: (text) => void terminal.stdout.write(reflow(text, width())),
    writeErr: (text) => void terminal.stderr.write(reflow(text, width())),
    outputError: () => undefined, // run() prints the one line
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    getOutHelpWidth: width,
    getErrHelpWidth: width,
  });
  for (const below of command.commands) settle(below, terminal);
}

/** Runs the command that `args` name; resolves with the exit code, and never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const root = program(terminal);
  const named = commandPath(root, args);
  let quiet = (): void => undefined;
  root.hook('preAction', (_root, command) => {
    if (command.opts<{ verbose?: boolean }>().verbose === true) quiet = tellBackend(terminal);
  });
  try {
    if (args.length === 0) root.help();
    checkHelp(root, args);
    await root.parseAsync(args, { from: 'user' });
    return EXIT.OK;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.OK; // --help and --version
      if (error.code === 'commander.help') return EXIT.USAGE; // a command with commands, alone: its help is printed
      const text = printable(error.message.replace(/^error: /, '').replaceAll('\n', ' '));
      terminal.stderr.write(`${named}: ${text} (see ${named} --help)\n`);
      return EXIT.USAGE;
    }
    if (terminal.stop.aborted) return EXIT.SIGINT;
    const code = exitCodeOf(error);
    if (code === EXIT.SIGPIPE) return code; // whoever read the output knows that they stopped
    if (code === null) {
      terminal.stderr.write(`${named}: ${faultOf(error)}\n`);
      return EXIT.SOFTWARE;
    }
    terminal.stderr.write(`${named}: ${lineOf(error)}\n`);
    return code;
  } finally {
    quiet();
  }
}

/** Of a command that there is none, commander's `help` shows the help of what is above it, and no word of the mistake. */
function checkHelp(root: Command, args: readonly string[]): void {
  const at = args.indexOf('help');
  let above: Command | undefined = root;
  for (const name of args.slice(0, Math.max(0, at))) above = above?.commands.find((command) => command.name() === name);
  const name = args[at + 1];
  if (at < 0 || name === undefined || above === undefined || above.commands.length === 0) return;
  if (name.startsWith('-') || name === 'help' || above.commands.some((command) => command.name() === name)) return;
  above.error(`error: unknown command '${name}'`, { code: 'commander.unknownCommand' });
}

/** `pool-ts bridge tcp2pool`: the names at the front of `args` that are commands. */
function commandPath(root: Command, args: readonly string[]): string {
  const names = [root.name()];
  let at: Command | undefined = root;
  for (const arg of args) {
    at = at.commands.find((command) => command.name() === arg || command.aliases().includes(arg));
    if (at === undefined) break;
    names.push(at.name());
  }
  return names.join(' ');
}
