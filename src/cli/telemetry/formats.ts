/** Samples as lines: for people, for spreadsheets, for programs. */
import { countText, durationText, percentText, rateText } from '../screen/quantities.js';
import type { Sample } from './sample.js';

/** `12:00:01  rtt 213 µs  jitter 12 µs  loss 0 %  out 1.2 kB/s  in 0 B/s  queue 0`, in columns. */
export function sampleLine(sample: Sample): string {
  const pairs: [string, string, number][] = [
    ['rtt', durationText(sample.rttUs), 7],
    ['jitter', durationText(sample.jitterUs), 7],
    ['loss', percentText(sample.lossPercent), 6],
    ['out', rateText(sample.sentRate), 9],
    ['in', rateText(sample.receivedRate), 9],
    ['queue', countText(sample.queueDepth), 1],
  ];
  const cells = pairs.map(([name, text, width]) => `${name} ${text.padEnd(width)}`);
  return [clock(sample.time), ...cells].join('  ').trimEnd();
}

/** What is left of a plot when its screen is gone, as ping has it. */
export function summaryLine(samples: readonly Sample[]): string {
  const rtts = samples.flatMap(({ rttUs }) => rttUs ?? []);
  const last = samples.at(-1);
  const [least, most] = [Math.min(...rtts), Math.max(...rtts)];
  const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length;
  const rtt = rtts.length === 0 ? 'unknown' : [least, mean, most].map((us) => durationText(us)).join(' / ');
  return `${samples.length} samples, RTT least / mean / most ${rtt}, loss ${percentText(last?.lossPercent ?? null)}`;
}

/** The columns of the CSV, by the names that its first line gives them. */
const CSV: readonly [name: string, value: (sample: Sample) => string | number | null][] = [
  ['time', ({ time }) => new Date(time).toISOString()],
  ['state', ({ state }) => state],
  ['rtt_us', ({ rttUs }) => rttUs],
  ['jitter_us', ({ jitterUs }) => jitterUs],
  ['loss_percent', ({ lossPercent }) => lossPercent],
  ['sent_bytes_per_second', ({ sentRate }) => sentRate && Math.round(sentRate)],
  ['received_bytes_per_second', ({ receivedRate }) => receivedRate && Math.round(receivedRate)],
  ['bytes_sent', ({ bytesSent }) => bytesSent],
  ['bytes_received', ({ bytesReceived }) => bytesReceived],
  ['queue_depth', ({ queueDepth }) => queueDepth],
  ['peer_queue_depth', ({ peerQueueDepth }) => peerQueueDepth],
  ['mtu', ({ mtu }) => mtu],
  ['uptime_seconds', ({ uptimeSeconds }) => Number(uptimeSeconds.toFixed(3))],
  ['rekeys', ({ rekeys }) => rekeys],
];

/** The first line of the CSV. */
export function csvHeader(): string {
  return CSV.map(([name]) => name).join(',');
}

/** A sample as a line of the CSV; what is not known is empty. No value needs quotes. */
export function csvLine(sample: Sample): string {
  return CSV.map(([, value]) => value(sample) ?? '').join(',');
}

/** A sample as one line of JSON; what is not known is null. */
export function jsonLine(sample: Sample): string {
  return JSON.stringify({ ...sample, time: new Date(sample.time).toISOString() });
}

/** The time of day here: a person compares it with the own clock. */
export function clock(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
