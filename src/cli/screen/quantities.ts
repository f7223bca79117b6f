/** Quantities for people, in three digits and so in a width that does not change under way. */

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const NO_VALUE = '–';

/** `1.23 MB`: at most 7 characters. */
export function bytesText(bytes: number | null): string {
  return scaled(bytes, BYTES, 1000);
}

/** `1.23 MB/s`: at most 9 characters. */
export function rateText(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? NO_VALUE : `${bytesText(bytesPerSecond)}/s`;
}

/** Of microseconds: `213 µs`, `1.23 ms`, `12.3 s`: at most 7 characters. */
export function durationText(us: number | null): string {
  return scaled(us, ['µs', 'ms', 's', 'ks', 'Ms'], 1000);
}

/** `0 %`, `0.12 %`, `100 %`: at most 6 characters. */
export function percentText(percent: number | null): string {
  if (percent === null) return NO_VALUE;
  if (percent > 0 && percent < 0.01) return '<.01 %';
  return `${Number(percent.toFixed(percent < 1 ? 2 : percent < 100 ? 1 : 0))} %`;
}

/** A time that goes on, of seconds: `42 s`, `3 m 05 s`, `2 h 03 m`, `4 d 02 h`: at most 9 characters. */
export function ageText(seconds: number | null): string {
  if (seconds === null) return NO_VALUE;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, 'm', 's');
  if (whole < 86_400) return pair(Math.floor(whole / 60), 60, 'h', 'm');
  return pair(Math.floor(whole / 3600), 24, 'd', 'h');
}

/** `1204`, or nothing known. */
export function countText(count: number | null): string {
  return count === null ? NO_VALUE : String(count);
}

function pair(value: number, size: number, large: string, small: string): string {
  return `${Math.floor(value / size)} ${large} ${String(value % size).padStart(2, '0')} ${small}`;
}

function scaled(value: number | null, units: readonly string[], step: number): string {
  if (value === null) return NO_VALUE;
  let [number, at] = [value, 0];
  // 999.6 would be shown as 1000.
  while (Math.round(number) >= step && at < units.length - 1) {
    number /= step;
    at += 1;
  }
  const whole = at === 0 || number >= 99.95;
  const text = whole ? String(Math.round(number)) : number.toFixed(number >= 9.995 ? 1 : 2);
  return `${text} ${units[at]}`;
}

/** `0:07`, `1:02:03`, `3d 4h`; `--:--` where nobody knows. */
export function clockText(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return '--:--';
  const whole = Math.ceil(seconds);
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600)];
  const two = (value: number): string => String(value).padStart(2, '0');
  if (days > 0) return `${days}d ${hours % 24}h`;
  const clock = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${clock}` : clock.replace(/^0(\d:)/, '$1');
}
