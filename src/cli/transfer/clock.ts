/** Times as a clock shows them: how long it took, how long it will. */

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
