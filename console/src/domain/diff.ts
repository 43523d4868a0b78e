/** One line of what changes between two texts. */
export interface DiffLine {
  is: "same" | "added" | "removed";
  text: string;
}

/** The shortest change of lines between two texts (longest common subsequence, after equal ends). Pure. */
export function diff(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  return [
    ...lines("same", a.slice(0, start)),
    ...middle(a.slice(start, endA), b.slice(start, endB)),
    ...lines("same", a.slice(endA)),
  ];
}

/** The changed lines with a few around them, as a reader wants them. */
export function excerpt(all: DiffLine[], around = 3): DiffLine[] {
  const near = all.map((_, at) => all.slice(Math.max(0, at - around), at + around + 1).some((each) => each.is !== "same"));
  return all.filter((_, at) => near[at]);
}

function middle(a: string[], b: string[]): DiffLine[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = lengths[i];
    if (!row) continue;
    for (let j = b.length - 1; j >= 0; j -= 1) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const told: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      told.push({ is: "same", text: a[i] ?? "" });
      [i, j] = [i + 1, j + 1];
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      told.push({ is: "removed", text: a[i] ?? "" });
      i += 1;
    } else {
      told.push({ is: "added", text: b[j] ?? "" });
      j += 1;
    }
  }
  return told;
}

function lines(is: DiffLine["is"], texts: string[]): DiffLine[] {
  return texts.map((text) => ({ is, text }));
}
