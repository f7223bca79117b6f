/** `pool-ts sessions`: the table, once. */
import { ageText, bytesText, durationText } from '../screen/quantities.js';
import { type Column, placeColumns, rowLine, titleLine } from '../screen/table.js';
import { cutMiddle } from '../screen/text-width.js';
import { peerText, type SessionRow } from './session-row.js';

const GAP = 2;

/** Lines of a table that is no wider than `width`; for a pipe, Infinity shows everything. */
export function sessionList(rows: readonly SessionRow[], isModule: boolean, width: number): string[] {
  const placed = placeColumns(columnsFor(isModule), rows, Math.min(width, 1000), GAP);
  return [titleLine(placed, GAP), ...rows.map((row) => rowLine(placed, row, GAP))];
}

function columnsFor(isModule: boolean): Column<SessionRow>[] {
  const right = 'right' as const;
  const left = 'left' as const;
  const peer = (row: SessionRow, width: number): string => cutMiddle(peerText(row), width);
  return [
    { title: '#', align: right, priority: 1, min: 2, cell: ({ index }) => String(index) },
    // Of an accepted session the module doesn't know better.
    { title: isModule ? 'LAST DIALLED' : 'PEER', align: left, priority: 2, min: 9, cell: peer },
    { title: 'STATE', align: left, priority: 3, min: 11, cell: ({ state }) => state },
    { title: 'SENT', align: right, priority: 4, min: 7, cell: ({ bytesSent }) => bytesText(bytesSent) },
    { title: 'RECEIVED', align: right, priority: 5, min: 8, cell: ({ bytesReceived }) => bytesText(bytesReceived) },
    { title: 'RTT', align: right, priority: 6, min: 7, cell: ({ rttUs }) => durationText(rttUs || null) },
    { title: 'UP', align: right, priority: 7, min: 7, cell: ({ uptimeSeconds }) => ageText(uptimeSeconds) },
    { title: 'SESSION ID', align: left, priority: 8, min: 32, cell: ({ sessionId }) => sessionId },
  ];
}
