/** A peer of our own on loopback, in a process of its own, so that the two ends don't share a processor's time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { PROOF_VARIABLES } from '../peers/proof.js';

/** The peer, and how to end it. */
export interface OwnPeer {
  address: string;
  stop(): Promise<void>;
}

/** How this very program is started: Node, its options, and the file. */
export function thisProgram(): readonly string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

/**
 * Starts `pool-ts bench --listen`. It is a node in user space whatever is measured: two ends in one kernel module would
 * spoil each other's handshakes (kernel contract, hazard 7). It ends with this process, however that ends.
 */
export async function startOwnPeer([file = '', ...args]: readonly string[], remarks: Writable): Promise<OwnPeer> {
  const listen = ['bench', '--listen', '127.0.0.1:0', '--backend', 'user', '--until-stdin-ends'];
  const env = { ...process.env };
  for (const name of Object.values(PROOF_VARIABLES)) delete env[name];
  const child = spawn(file, [...args, ...listen], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // it may be gone before
  let [started, complaint] = [false, ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    // Why it did not start is told by this side, in the one line that there is.
    if (started) remarks.write(text);
    else complaint += text;
  });
  const ended = endOf(child);
  const first = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  const line = await Promise.race([first, ended]);
  const address = typeof line === 'string' ? /^listening on (\S+)$/.exec(line)?.[1] : undefined;
  if (address === undefined) throw notStarted(await ended, complaint);
  started = true;
  return {
    address,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Its exit code; null where it could not be started, or was ended by a signal. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    // Not at its exit: what it said is read to the end.
    child.once('close', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
}

/** With the code of the peer: what stopped it, as a variable of the environment, would have stopped this side as well. */
function notStarted(code: number | null, complaint: string): CliError {
  const known = Object.values(EXIT).find((exit) => exit === code && exit !== EXIT.OK) ?? EXIT.SOFTWARE;
  const why = complaint.split('\n', 1)[0]?.replace(/^pool-ts(?: bench)?: /, '');
  return new CliError(known, `the peer of our own on loopback did not start${why ? `: ${why}` : ''}`);
}
