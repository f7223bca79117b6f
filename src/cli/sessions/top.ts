/** `pool-ts top`: looks at a device's table again and again, and shows it as the output wants it. */
import { onAbort } from '../../base/abort.js';
import type { SessionInfo } from '../../poolioc/index.js';
import { colorsFor, isLive } from '../screen/colors.js';
import { type Exits, withFullScreen } from '../screen/full-screen.js';
import { repeat } from '../screen/repeat.js';
import { print, type Terminal } from '../terminal.js';
import { SessionHistory, type WatchedSession } from './session-history.js';
import { sessionRow } from './session-row.js';
import { chosen, LETTERS, orderBy, sorted, type SortKey } from './sort-order.js';
import { topLines, type TopState } from './top-lines.js';

/** What `top` needs of a device. */
export interface WatchedTable {
  readonly path: string;
  readonly isCharacterDevice: boolean;
  sessions(): Promise<SessionInfo[]>;
}

export interface TopOptions {
  intervalMs: number;
  sort: SortKey;
  /** Snapshots; undefined is one where the output is no terminal, and no end where it is. */
  iterations?: number | undefined;
  json: boolean;
}

/** Cells of a line in a file, where the environment doesn't say. */
const FILE_COLUMNS = 132;

/** Shows the table until it was told to stop, or as often as asked. */
export async function top(terminal: Terminal, device: WatchedTable, options: TopOptions, exits?: Exits): Promise<void> {
  const history = new SessionHistory();
  const state: TopState = {
    device: device.path,
    isModule: device.isCharacterDevice,
    sessions: [],
    order: orderBy(options.sort),
    intervalMs: options.intervalMs,
  };
  const look = async (): Promise<void> => {
    const infos = await device.sessions();
    state.sessions = history.add(infos.map(sessionRow), performance.now());
  };
  // An error at the first look is told without a screen that comes and goes.
  await look();
  if (isLive(terminal) && !options.json) await live(terminal, state, look, options, exits);
  else await snapshots(terminal, state, look, options);
}

async function live(
  terminal: Terminal,
  state: TopState,
  look: () => Promise<void>,
  { intervalMs, iterations }: TopOptions,
  exits: Exits | undefined,
): Promise<void> {
  const colors = colorsFor(terminal);
  const quit = new AbortController();
  onAbort(terminal.stop, () => quit.abort());
  let redraw = (): void => undefined;
  const key = (letter: string): void => {
    if (letter === 'q') quit.abort();
    const by = LETTERS[letter];
    if (by !== undefined) state.order = chosen(state.order, by);
    redraw();
  };
  await withFullScreen(
    terminal,
    async (screen) => {
      redraw = () => screen.draw(topLines(state, { columns: screen.columns, rows: screen.rows, live: true, colors }));
      await repeat({ intervalMs, stop: quit.signal, count: iterations }, async (beat) => {
        if (beat > 0) await look();
        redraw();
      });
    },
    { key, resize: () => redraw() },
    exits,
  );
}

/** Without a person: rates need two looks, so that the first snapshot comes one interval after the start. */
async function snapshots(
  terminal: Terminal,
  state: TopState,
  look: () => Promise<void>,
  { intervalMs, iterations, json }: TopOptions,
): Promise<void> {
  const count = iterations ?? (terminal.stdout.isTTY === true ? Infinity : 1);
  const columns = terminal.stdout.columns || Number(terminal.env['COLUMNS']) || FILE_COLUMNS;
  await repeat({ intervalMs, stop: terminal.stop, count: count + 1 }, async (beat) => {
    if (beat === 0) return;
    await look();
    if (json) return print(terminal, snapshotJson(state));
    const lines = topLines(state, { columns, rows: Infinity, live: false });
    await print(terminal, [...(beat > 1 ? [''] : []), ...lines].join('\n'));
  });
}

/** What a program that reads snapshots gets where there is no table: one without sessions. */
export function emptySnapshot(device: string): string {
  return snapshotJson({ device, sessions: [], order: orderBy('index') });
}

function snapshotJson({ device, sessions, order }: Pick<TopState, 'device' | 'sessions' | 'order'>): string {
  const row = ({ history: _, ...session }: WatchedSession): object => session;
  return JSON.stringify({ time: new Date().toISOString(), device, sessions: sorted(sessions, order).map(row) });
}
