/** `pool-ts telemetry`: asks one session again and again how it is doing, until it ends or somebody has seen enough. */
import { stat } from 'node:fs/promises';
import { onAbort } from '../../base/abort.js';
import type { Conn, FlowClosed } from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { discardMessages } from '../netcat/session.js';
import { colorsFor, isLive } from '../screen/colors.js';
import { type Exits, withFullScreen } from '../screen/full-screen.js';
import { repeat } from '../screen/repeat.js';
import { devicePath } from '../sessions/device-table.js';
import { print, tell, type Terminal } from '../terminal.js';
import { csvHeader, csvLine, jsonLine, sampleLine, summaryLine } from './formats.js';
import { type PlotState, plotLines } from './plot.js';
import { isUnanswered, type Moment, type Sample, sampleOf, UNANSWERED } from './sample.js';

/** What it needs of a Conn. */
export type Watched = Pick<Conn, 'info' | 'closed' | 'backend' | 'remoteAddr' | 'readMessages'>;

export interface WatchOptions {
  intervalMs: number;
  /** Samples; no end unless given. */
  count?: number | undefined;
  format: 'auto' | 'csv' | 'json';
  isModule: boolean;
}

/** More samples than a screen is wide. */
const DEPTH = 1000;

/** Shows samples of `conn`. Rejects when the session ends before this side is done. */
export async function watch(terminal: Terminal, conn: Watched, options: WatchOptions, exits?: Exits): Promise<void> {
  const over = new AbortController();
  const unlisten = onAbort(terminal.stop, () => over.abort());
  const end: { reason: FlowClosed | null } = { reason: null };
  void conn.closed.then((reason) => {
    end.reason = reason;
    over.abort();
  });
  // What the peer sends is none of ours, but unread it would stop the session, heartbeats included.
  void discardMessages(conn);

  let before: Moment | null = null;
  const look = async (): Promise<Sample | null> => {
    try {
      const info = await conn.info({ signal: over.signal });
      const at = performance.now();
      const sample = sampleOf(info, at, Date.now(), before);
      before = { sample, at };
      return sample;
    } catch (error) {
      // It ended between two samples, which `closed` tells better.
      if (over.signal.aborted || (error as { code?: unknown }).code === 'ERR_POOL_NOT_ESTABLISHED') return null;
      throw error;
    }
  };
  const screen = options.format === 'auto' && isLive(terminal);
  await (screen ? plotted(terminal, conn, options, over, look, exits) : printed(terminal, options, over.signal, look));
  unlisten();
  if (end.reason !== null && !terminal.stop.aborted) throw ended(conn, end.reason);
}

async function plotted(
  terminal: Terminal,
  conn: Watched,
  { intervalMs, count, isModule }: WatchOptions,
  over: AbortController,
  look: () => Promise<Sample | null>,
  exits: Exits | undefined,
): Promise<void> {
  const colors = colorsFor(terminal);
  const title = `${conn.remoteAddr.toString()}, ${conn.backend} backend`;
  const state: PlotState & { samples: Sample[] } = { title, samples: [], intervalMs, isModule };
  let redraw = (): void => undefined;
  await withFullScreen(
    terminal,
    async (screen) => {
      redraw = () => screen.draw(plotLines(state, { columns: screen.columns, rows: screen.rows, colors }));
      await repeat({ intervalMs, stop: over.signal, count }, async () => {
        const sample = await look();
        if (sample === null) return false;
        state.samples = [...state.samples.slice(1 - DEPTH), sample];
        redraw();
        return true;
      });
    },
    { key: (key) => void (key === 'q' && over.abort()), resize: () => redraw() },
    exits,
  );
  tell(terminal, `${conn.remoteAddr.toString()}: ${summaryLine(state.samples)}`);
}

async function printed(
  terminal: Terminal,
  { intervalMs, count, format, isModule }: WatchOptions,
  stop: AbortSignal,
  look: () => Promise<Sample | null>,
): Promise<void> {
  const line = { auto: sampleLine, csv: csvLine, json: jsonLine }[format];
  if (format === 'csv') await print(terminal, csvHeader());
  let told = false;
  await repeat({ intervalMs, stop, count }, async () => {
    const sample = await look();
    if (sample === null) return false;
    await print(terminal, line(sample));
    if (!told && isUnanswered(sample, isModule)) {
      told = true;
      tell(terminal, UNANSWERED);
    }
    return true;
  });
}

function ended({ remoteAddr }: Watched, { by, error }: FlowClosed): Error {
  if (error !== undefined) return error;
  const whose = by === 'remote' ? 'the peer' : 'this side';
  return new CliError(EXIT.FAILURE, `${remoteAddr.toString()}: ${whose} closed the session`);
}

/**
 * Whether a session's figures are the kernel module's, which mislead (kernel contract, section 3): true for its character
 * device; a device served from user space is a regular file, and measures.
 */
export async function isModule(
  backend: 'kernel' | 'user',
  device: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  if (backend === 'user') return false;
  const file = await stat(devicePath(device, env)).catch(() => null);
  return file?.isCharacterDevice() ?? false;
}
