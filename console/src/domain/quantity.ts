/** Kubernetes' quantities as numbers, and numbers as people read them. Pure. */

const FACTORS: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity stands for; 0 where it is none. */
export function quantity(text: string | undefined): number {
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text ?? "");
  return match ? Number(match[1]) * (FACTORS[match[2] ?? ""] ?? 0) : 0;
}

/** Cores with at most two decimals. */
export function cores(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Bytes in the largest binary unit that they fill. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let rest = value;
  while (rest >= 1024 && at < units.length - 1) {
    rest /= 1024;
    at += 1;
  }
  return `${rest >= 100 || at === 0 ? Math.round(rest) : Math.round(rest * 10) / 10} ${units[at] ?? "B"}`;
}
