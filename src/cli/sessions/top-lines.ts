/** The screen of `top`: what is known and a size in, lines out. No line is wider than the screen, and none too many. */
import { MAX_SESSIONS } from '../../poolioc/index.js';
import { type Colors, NO_COLORS } from '../screen/colors.js';
import { bytesText } from '../screen/quantities.js';
import { joinFitting, placeColumns, rowLine, titleLine } from '../screen/table.js';
import { OWN_FIGURES } from '../telemetry/sample.js';
import { cut, cutMiddle, fit, printable } from '../screen/text-width.js';
import type { WatchedSession } from './session-history.js';
import { sorted, type SortOrder } from './sort-order.js';
import { topColumns } from './top-columns.js';

export interface TopState {
  device: string;
  /** The kernel module, whose telemetry misleads. */
  isModule: boolean;
  sessions: readonly WatchedSession[];
  order: SortOrder;
  intervalMs: number;
}

/** Where the lines go. */
export interface TopView {
  columns: number;
  /** Infinity shows every session, as for a file. */
  rows: number;
  /** Whether there is a person with keys: then sparklines and the line that names the keys. */
  live: boolean;
  colors?: Colors;
}

const KEYS = [
  'q quit',
  'sort by',
  'i index',
  'p peer',
  'r RTT',
  't throughput',
  'l loss',
  'u uptime',
  'again: reverse',
];

/** From here on there is room for wider gaps. */
const WIDE = 120;
/** What is shown for an empty table. */
const NOTHING = 'no sessions; they appear here as programs dial and accept on this device';

export function topLines(state: TopState, { columns, rows, live, colors = NO_COLORS }: TopView): string[] {
  const gap = columns >= WIDE ? 2 : 1;
  const sessions = sorted(state.sessions, state.order);
  const style = { isModule: state.isModule, order: state.order, sparklines: live, colors };
  const peerWidth = Math.min(47, Math.max(15, Math.floor(columns / 3.8)));
  const placed = placeColumns(topColumns({ ...style, peerWidth }), sessions, columns, gap);
  const footer = footerOf(state.isModule, live, columns).map((line) => colors.dim(line));

  const room = Math.max(0, rows - 2 - footer.length);
  const fits = sessions.length <= room;
  const shown = fits ? sessions : sessions.slice(0, Math.max(0, room - 1));
  const lines = [
    colors.bold(summary(state, columns)),
    live ? colors.inverse(fit(titleLine(placed, gap), columns)) : titleLine(placed, gap),
    ...shown.map((session) => rowLine(placed, session, gap)),
  ];
  if (sessions.length === 0) lines.push(cut(NOTHING, columns));
  if (!fits) lines.push(cut(`… ${sessions.length - shown.length} more`, columns));
  while (live && lines.length < rows - footer.length) lines.push('');
  return [...lines, ...footer].slice(0, rows);
}

function summary({ device, sessions, intervalMs, isModule }: TopState, columns: number): string {
  const total = (of: (session: WatchedSession) => number | null): string =>
    bytesText(sessions.reduce((sum, session) => sum + (of(session) ?? 0), 0));
  const count = `${sessions.length} of ${MAX_SESSIONS} sessions`;
  const name = cutMiddle(printable(device), Math.max(8, Math.floor(columns / 3)));
  const items = [
    `${name}${isModule ? ' (module)' : ''}`,
    count,
    `out ${total(({ sentRate }) => sentRate)}/s`,
    `in ${total(({ receivedRate }) => receivedRate)}/s`,
    `every ${intervalMs / 1000} s`,
  ];
  return joinFitting(items, '  ', columns);
}

function footerOf(isModule: boolean, live: boolean, columns: number): string[] {
  return [...(isModule ? [cut(OWN_FIGURES, columns)] : []), ...(live ? [joinFitting(KEYS, '  ', columns)] : [])];
}
