/** A peer of our own on loopback, in a process of its own, so that the two ends don't share a processor's time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

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
 * spoil each other's handshakes (kernel contract, section 4, hazard 7). It ends with this process, however that ends.
 */
export async function startOwnPeer([file = '', ...args]: readonly string[]): Promise<OwnPeer> {
  const listen = ['bench', '--listen', '127.0.0.1:0', '--backend', 'user', '--until-stdin-ends'];
  const child = spawn(file, [...args, ...listen], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined); // it may be gone before
  const ended = endOf(child);
  const first = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  const line = await Promise.race([first, ended]);
  const address = /^listening on (\S+)$/.exec(line ?? '')?.[1];
  if (address === undefined) throw new CliError(EXIT.SOFTWARE, 'the peer of our own on loopback did not start');
  return {
    address,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

function endOf(child: ChildProcess): Promise<null> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(null));
    child.once('error', () => resolve(null));
  });
}
