/** Where a bridge's words go: a live line on a terminal, plain lines elsewhere, JSON for programs. */
import { lineOf } from '../cli-error.js';
import type { LiveLines } from '../screen/live-lines.js';
import { cut } from '../screen/text-width.js';
import { tell, type Terminal } from '../terminal.js';
import type { BridgeStatus } from './open-links.js';
import { type Rates, statusLine } from './status.js';

/** What there is to tell. */
export interface Reporter {
  /** ms between two statuses. */
  readonly interval: number;
  listening(address: string, destination: string): void;
  broken(peer: string, error: unknown): void;
  status(status: BridgeStatus, rates: Rates): void;
  /** The last word. */
  ended(status: BridgeStatus): void;
}

export interface ReporterOptions {
  /** Name of the command, before each failure. */
  command: string;
  json: boolean;
  quiet: boolean;
  /** ms; default 1 s where the line is live, else 10 s. */
  interval: number | undefined;
}

export async function makeReporter(terminal: Terminal, options: ReporterOptions): Promise<Reporter> {
  if (options.json) return jsonReporter(terminal, options);
  const { canRedraw, liveLines } = await import('../screen/live-lines.js');
  const live = !options.quiet && canRedraw({ stream: terminal.stderr, env: terminal.env });
  return live ? liveReporter(terminal, liveLines(terminal.stderr), options) : plainReporter(terminal, options);
}

/** A line on standard output for each thing that happens, of failures alone with --quiet. */
function jsonReporter(terminal: Terminal, { quiet, interval = 10_000 }: ReporterOptions): Reporter {
  const put = (event: string, values: object): void => {
    terminal.stdout.write(`${JSON.stringify({ event, time: new Date().toISOString(), ...values })}\n`);
  };
  const remark: typeof put = (event, values) => {
    if (!quiet) put(event, values);
  };
  return {
    interval,
    listening: (address, destination) => remark('listening', { address, destination }),
    broken: (peer, error) => put('broken', { peer, code: (error as { code?: unknown }).code, message: lineOf(error) }),
    status: (status, { toPool, toTcp }) =>
      remark('status', { ...status, toPoolPerSecond: Math.round(toPool), toTcpPerSecond: Math.round(toTcp) }),
    ended: (status) => remark('ended', status),
  };
}

/** Lines on standard error: a status where something has changed since the one before. */
function plainReporter(terminal: Terminal, { command, quiet, interval = 10_000 }: ReporterOptions): Reporter {
  let last = '';
  const remark = (line: string): void => {
    if (!quiet) tell(terminal, line);
  };
  return {
    interval,
    listening: (address, destination) => remark(listeningLine(address, destination)),
    broken: (peer, error) => tell(terminal, brokenLine(command, peer, error)),
    status: (status, rates) => {
      const counts = JSON.stringify(status);
      if (counts !== last) remark(statusLine(status, rates));
      last = counts;
    },
    ended: (status) => remark(`ended; ${statusLine(status)}`),
  };
}

/** One line of standard error that changes, below those that stay. */
function liveReporter(terminal: Terminal, live: LiveLines, options: ReporterOptions): Reporter {
  const { command, interval = 1000 } = options;
  let line = '';
  const above = (text: string): void => {
    live.clear();
    tell(terminal, text);
    if (line !== '') live.draw(line);
  };
  return {
    interval,
    listening: (address, destination) => above(listeningLine(address, destination)),
    broken: (peer, error) => above(brokenLine(command, peer, error)),
    status: (status, rates) => {
      line = cut(statusLine(status, rates), live.columns);
      live.draw(line);
    },
    ended: (status) => {
      live.clear();
      tell(terminal, `ended; ${statusLine(status)}`);
    },
  };
}

function listeningLine(address: string, destination: string): string {
  return `listening on ${address}, for ${destination}`;
}

function brokenLine(command: string, peer: string, error: unknown): string {
  return `${command}: ${peer}: ${lineOf(error)}`;
}
