const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
];

/** How long ago a time was, in the form that kubectl has: 45s, 3m20s, 5h, 12d. Pure. */
export function age(from: string | undefined, nowMs: number): string {
  const seconds = from ? Math.max(0, Math.floor((nowMs - Date.parse(from)) / 1000)) : NaN;
  if (Number.isNaN(seconds)) return "";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return joined(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return joined(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return joined(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  return joined(Math.floor(days / 365), "y", days % 365, "d");
}

/** Seconds of an age that a table shows, so that rows sort by it; NaN where it is none. */
export function secondsOf(text: string): number {
  let total = 0;
  let rest = text;
  for (const [seconds, unit] of [[31_536_000, "y"], ...STEPS, [1, "s"]] as [number, string][]) {
    const match = new RegExp(`^(\\d+)${unit}`).exec(rest);
    if (!match) continue;
    total += Number(match[1]) * seconds;
    rest = rest.slice(match[0].length);
  }
  return rest || !text ? NaN : total;
}

function joined(large: number, unit: string, small: number, below: string): string {
  return small ? `${large}${unit}${small}${below}` : `${large}${unit}`;
}
