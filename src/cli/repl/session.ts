/** One run of `pool-ts repl`, from the banner until all that was opened is closed. */
import { createInterface } from 'node:readline';
import { type REPLServer, start } from 'node:repl';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { whenAborted } from '../../base/abort.js';
import * as pool from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { hasColors } from '../screen/colors.js';
import type { Terminal } from '../terminal.js';
import { packageVersion } from '../../base/package-files.js';
import { historyFile, makeFolder } from './history-file.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import { type Defaults, type Opened, remembering } from './opened.js';
import { proving } from './proving.js';
import { takeTurns } from './statement-turns.js';
import { replWriter } from './writer.js';

/** Lines of history; what Node's own REPL keeps. */
const HISTORY_SIZE = 1000;

const BANNER = `pool-ts ${packageVersion()} on Node ${process.version}
\`pool\` is loaded, and so are its dial, listen, resolve. Await works. .help tells more, ^D closes what was opened.`;

/** Runs a REPL on the terminal, or what is piped in line by line. Settles when everything is closed. */
export async function runRepl(terminal: Terminal, defaults: Defaults, proof: ProofFlags = {}): Promise<void> {
  const opened = remembering(proving(pool, terminal, proof), defaults);
  try {
    if (terminal.stdin.isTTY && terminal.stdout.isTTY) await onTerminal(terminal, opened);
    else await onPipe(terminal, opened);
  } finally {
    await opened.closeAll();
  }
}

async function onTerminal(terminal: Terminal, opened: Opened): Promise<void> {
  terminal.stdout.write(`${BANNER}\n`);
  const server = start({
    prompt: 'pool> ',
    input: terminal.stdin,
    output: terminal.stdout,
    terminal: true,
    useColors: hasColors(terminal),
    writer: replWriter(hasColors(terminal)),
    useGlobal: true,
    breakEvalOnSigint: true, // ^C ends an await
    historySize: HISTORY_SIZE,
  } as Parameters<typeof start>[0]);
  load(server, opened);
  const file = historyFile(terminal.env);
  if (file !== null) {
    makeFolder(file);
    // What goes wrong with the file is said by the REPL, and is no reason not to run.
    server.setupHistory(file, () => undefined);
  }
  await ended(server, terminal);
}

/** No prompts: standard output carries results. */
async function onPipe(terminal: Terminal, opened: Opened): Promise<void> {
  const server = start({
    prompt: '',
    input: new PassThrough(),
    output: terminal.stdout,
    terminal: false,
    writer: replWriter(false),
    useGlobal: true,
  });
  load(server, opened);
  const turns = takeTurns(server);
  let over = false;
  const lines = createInterface({ input: terminal.stdin, crlfDelay: Infinity });
  const end = ended(server, terminal).then(() => {
    over = true;
    lines.close();
  });
  for await (const line of lines) {
    if (!over) await Promise.race([turns.type(line), end]);
  }
  server.close();
  await end;
  if (turns.unfinished) throw new CliError(EXIT.FAILURE, 'the last statement is not finished, and was not run');
  if (turns.failed > 0) {
    throw new CliError(EXIT.FAILURE, turns.failed === 1 ? 'a statement failed' : `${turns.failed} statements failed`);
  }
}

function load(server: REPLServer, opened: Opened): void {
  const { dial, listen } = opened;
  const names = { pool: Object.freeze({ ...pool, dial, listen }), dial, listen, resolve: pool.resolve };
  for (const [name, value] of Object.entries(names)) {
    // Configurable, so that `const pool = await import('pool-ts')` works here as everywhere.
    Object.defineProperty(server.context, name, { value, configurable: true, writable: true, enumerable: true });
  }
  server.defineCommand('opened', {
    help: 'List the connections and listeners that are open',
    action() {
      for (const one of opened.list()) this.output.write(`${inspect(one)}\n`);
      this.displayPrompt();
    },
  });
}

/**
 * The end of the REPL, or the command to stop: during an await the REPL itself would put its end off. A terminal that has
 * hung up fails when it is given back, and is an end as well.
 */
async function ended(server: REPLServer, { stop }: Terminal): Promise<void> {
  const exit = new Promise<void>((resolve) => server.on('exit', resolve).on('error', () => resolve()));
  await Promise.race([exit, whenAborted(stop)]);
  server.close();
}
