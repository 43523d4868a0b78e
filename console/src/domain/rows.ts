import { secondsOf } from "./age";

/** Whether every word of a filter stands somewhere in the texts, whatever the case. Pure. */
export function matches(filter: string, texts: readonly string[]): boolean {
  const all = texts.join("\n").toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** What is shown of a table: which rows, by what each says, and in which order. */
export interface Arrangement<T> {
  filter: string;
  texts: (row: T) => string[];
  order: (one: T, other: T) => number;
  down: boolean;
}

export function arranged<T>(all: T[], { filter, texts, order, down }: Arrangement<T>): T[] {
  const rows = (filter ? all.filter((row) => matches(filter, texts(row))) : all).toSorted(order);
  return down ? rows.reverse() : rows;
}

export function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}

/** Orders cells as people do: numbers and ages by size, all else by their text. */
export function compareCells(one: string, other: string): number {
  const [a, b] = [sortable(one), sortable(other)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return one.localeCompare(other, undefined, { numeric: true });
}

function sortable(text: string): number {
  const number = Number(text);
  return text && !Number.isNaN(number) ? number : secondsOf(text);
}
