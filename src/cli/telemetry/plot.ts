/** The screen of `telemetry`: samples and a size in, lines out. No line is wider than the screen, and none too many. */
import { type Colors, NO_COLORS } from '../screen/colors.js';
import { ageText, countText, durationText, percentText, rateText } from '../screen/quantities.js';
import { graph, largest, type Series } from '../screen/sparkline.js';
import { joinFitting } from '../screen/table.js';
import { cut, fit, printable } from '../screen/text-width.js';
import { isUnanswered, OWN_FIGURES, type Sample, UNANSWERED } from './sample.js';

export interface PlotState {
  /** As `10.0.0.1:9253, user backend`. */
  title: string;
  /** The newest last. */
  samples: readonly Sample[];
  intervalMs: number;
  /** The kernel module's own figures, which mislead (kernel contract, section 3). */
  isModule: boolean;
}

interface Metric {
  name: string;
  series: (sample: Sample) => number | null;
  text: (value: number | null) => string;
  color: keyof Pick<Colors, 'yellow' | 'magenta' | 'red' | 'cyan' | 'green'>;
  /** What fills the graph at least: without it the smallest noise would. */
  scale: number;
  /** Of figures of the module that are no measurements. */
  misleads?: true;
}

/** In the order of the screen, which is the order of importance as well. */
const METRICS: readonly Metric[] = [
  { name: 'RTT', series: ({ rttUs }) => rttUs, text: durationText, color: 'yellow', scale: 0, misleads: true },
  { name: 'out', series: ({ sentRate }) => sentRate, text: rateText, color: 'cyan', scale: 0 },
  { name: 'in', series: ({ receivedRate }) => receivedRate, text: rateText, color: 'cyan', scale: 0 },
  { name: 'loss', series: ({ lossPercent }) => lossPercent, text: percentText, color: 'red', scale: 1, misleads: true },
  {
    name: 'jitter',
    series: ({ jitterUs }) => jitterUs,
    text: durationText,
    color: 'magenta',
    scale: 0,
    misleads: true,
  },
  { name: 'queue', series: ({ queueDepth }) => queueDepth, text: countText, color: 'green', scale: 8 },
];

/** Cells of a metric's name with what it is now and at most: `jitter  1.23 ms`. */
const LABEL = 17;
/** A graph that is higher shows no more. */
const MOST_ROWS = 8;
/** Lines of a metric from which on one of them is left blank. */
const SPACED_SLOT = 3;
const WAITING = 'the first heartbeat, 5 s after the session began, measures the round trip …';

export function plotLines(
  { title, samples, intervalMs, isModule }: PlotState,
  { columns, rows, colors = NO_COLORS }: { columns: number; rows: number; colors?: Colors },
): string[] {
  const last = samples.at(-1);
  const measured = isModule || (last !== undefined && last.rttUs !== null);
  const notes = [
    ...(measured ? [] : [cut(last && isUnanswered(last, isModule) ? UNANSWERED : WAITING, columns)]),
    ...(isModule ? [cut(OWN_FIGURES, columns)] : []),
    joinFitting(footer(samples, intervalMs, columns), '  ', columns),
  ].map((line) => colors.dim(line));
  const room = Math.max(0, rows - 1 - notes.length);
  const body = METRICS.slice(0, room).flatMap((metric, at) => {
    const slot = slotOf(at, room);
    const spaced = slot >= SPACED_SLOT;
    const height = Math.min(MOST_ROWS, spaced ? slot - 1 : slot);
    const painted = metricLines(metric, samples, { columns, height, isModule }).map(({ label, plot }) =>
      `${colors.bold(label)}${colors[metric.color](plot)}`.trimEnd(),
    );
    return spaced ? [...painted, ''] : painted;
  });
  const lines = [colors.bold(heading(title, last, columns)), ...body].slice(0, rows - notes.length);
  while (lines.length < rows - notes.length) lines.push('');
  return [...lines, ...notes].slice(0, rows);
}

/** Lines for the metric at `at`: the first ones get what does not divide. */
function slotOf(at: number, room: number): number {
  return Math.max(1, Math.floor(room / METRICS.length) + (at < room % METRICS.length ? 1 : 0));
}

/** The label stands at the first line: name and value; below it what the graph's top stands for. */
function metricLines(
  { name, series, text, scale, misleads }: Metric,
  samples: readonly Sample[],
  { columns, height, isModule }: { columns: number; height: number; isModule: boolean },
): { label: string; plot: string }[] {
  const labelWidth = Math.min(LABEL, columns);
  const width = Math.max(0, columns - labelWidth);
  const values: Series = samples.slice(-Math.max(1, width)).map(series);
  const top = Math.max(scale, largest(values));
  const plot = graph(values, width, height, top);
  const mark = misleads === true && isModule ? '*' : '';
  const current = text(values.at(-1) ?? null);
  const labels = [fit(name + mark, 7) + fit(current, 9, 'right'), fit('max', 7) + fit(text(peak(values)), 9, 'right')];
  return plot.map((line, at) => ({ label: fit(labels[at] ?? '', labelWidth), plot: line }));
}

function peak(values: Series): number | null {
  return values.every((value) => value === null) ? null : largest(values);
}

function heading(title: string, last: Sample | undefined, columns: number): string {
  const items = [printable(title)];
  if (last !== undefined) {
    items.push(`up ${ageText(last.uptimeSeconds)}`, last.state, `MTU ${last.mtu}`, `rekeys ${last.rekeys}`);
    if (last.peerQueueDepth !== null) items.push(`peer's queue ${last.peerQueueDepth}`);
  }
  return joinFitting(items, '  ', columns);
}

function footer(samples: readonly Sample[], intervalMs: number, columns: number): string[] {
  const shown = Math.min(samples.length, Math.max(0, columns - LABEL));
  return ['q quit', `every ${intervalMs / 1000} s`, `the last ${ageText((shown * intervalMs) / 1000)}`];
}
