/** The columns of `top`: what is left out first on a narrow terminal, and what on a wide one is added. */
import type { Colors } from '../screen/colors.js';
import { ageText, bytesText, countText, durationText, percentText } from '../screen/quantities.js';
import { largest, sparkline } from '../screen/sparkline.js';
import type { Column } from '../screen/table.js';
import { cutMiddle } from '../screen/text-width.js';
import type { WatchedSession } from './session-history.js';
import { peerText, shortState } from './session-row.js';
import type { SortKey, SortOrder } from './sort-order.js';

/** Cells of a sparkline: at least, and where there is room. */
const SPARK = { min: 5, grow: 30 } as const;

/** Per cent that fill a sparkline of loss, or else a single lost packet would look like a broken line. */
const LOSS_SCALE = 1;

/** What the columns depend on. */
export interface ColumnStyle {
  /** Cells that an address may take. */
  peerWidth: number;
  /** The kernel module: some figures are marked as its own (kernel contract, section 3). */
  isModule: boolean;
  order: SortOrder;
  sparklines: boolean;
  colors: Colors;
}

/** All columns, from left to right. */
export function topColumns({ peerWidth, isModule, order, sparklines, colors }: ColumnStyle): Column<WatchedSession>[] {
  const own = isModule ? '*' : '';
  const title = (text: string, key?: SortKey): string =>
    key === order.key ? `${text}${order.descending ? '▼' : '▲'}` : text;
  const right = 'right' as const;
  const left = 'left' as const;
  const peer = (session: WatchedSession, width: number): string =>
    cutMiddle(peerText(session), Math.min(width, peerWidth));
  const spark = { align: left, ...SPARK } as const;
  const columns: (Column<WatchedSession> & { sparkline?: true })[] = [
    { title: title('#', 'index'), align: right, priority: 1, min: 2, cell: ({ index }) => String(index) },
    { title: title(isModule ? 'LAST DIALLED' : 'PEER', 'peer'), align: left, priority: 2, min: 9, cell: peer },
    { title: 'STATE', align: left, priority: 10, min: 5, cell: ({ state }) => shortState(state) },
    {
      title: title(`RTT${own}`, 'rtt'),
      align: right,
      priority: 3,
      min: 7,
      cell: ({ rttUs }) => durationText(rttUs || null),
    },
    {
      ...spark,
      title: '',
      priority: 8,
      sparkline: true,
      cell: ({ history }, width) => sparkline(history.rtt, width),
      paint: (text) => colors.yellow(text),
    },
    {
      title: title('OUT/s', 'throughput'),
      align: right,
      priority: 4,
      min: 7,
      cell: ({ sentRate }) => bytesText(sentRate),
    },
    { title: title('IN/s', 'throughput'), align: right, priority: 5, min: 7, cell: (s) => bytesText(s.receivedRate) },
    {
      ...spark,
      title: '',
      priority: 7,
      sparkline: true,
      cell: ({ history }, width) => sparkline(history.throughput, width),
      paint: (text) => colors.cyan(text),
    },
    {
      title: title(`LOSS${own}`, 'loss'),
      align: right,
      priority: 6,
      min: 6,
      cell: ({ lossPercent }) => percentText(lossPercent),
    },
    {
      ...spark,
      title: '',
      priority: 9,
      sparkline: true,
      cell: ({ history: { loss } }, width) => sparkline(loss, width, Math.max(LOSS_SCALE, largest(loss.slice(-width)))),
      paint: (text) => colors.red(text),
    },
    { title: title('UP', 'uptime'), align: right, priority: 11, min: 9, cell: (s) => ageText(s.uptimeSeconds) },
    { title: 'SENT', align: right, priority: 12, min: 7, cell: ({ bytesSent }) => bytesText(bytesSent) },
    { title: 'RECEIVED', align: right, priority: 13, min: 8, cell: ({ bytesReceived }) => bytesText(bytesReceived) },
    { title: `JITTER${own}`, align: right, priority: 14, min: 7, cell: (s) => durationText(s.jitterUs || null) },
    { title: 'QUEUE', align: right, priority: 15, min: 5, cell: ({ queueDepth }) => countText(queueDepth) },
    { title: 'MTU', align: right, priority: 16, min: 5, cell: ({ mtu }) => countText(mtu) },
    { title: 'SESSION ID', align: left, priority: 17, min: 32, cell: ({ sessionId }) => sessionId },
  ];
  return sparklines ? columns : columns.filter((column) => column.sparkline !== true);
}
