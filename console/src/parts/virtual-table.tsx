import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface Column<T> {
  id: string;
  title: string;
  /** The cell's text: it is sorted by, and its length decides how wide the column is. */
  text: (row: T) => string;
  cell?: (row: T) => ComponentChildren;
}

export interface Sorting {
  by: string;
  down: boolean;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  sorting: Sorting;
  sort: (sorting: Sorting) => void;
}

const ROW_PX = 34;
const BEYOND = 8;
const SAMPLED = 200;

/** A table of any length of which only the rows in sight exist. */
export function VirtualTable<T>({ label, columns, rows, id, sorting, sort }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const sight = useSight(box);
  const first = Math.max(0, Math.floor(sight.top / ROW_PX) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((sight.top + sight.height) / ROW_PX) + BEYOND);
  const widths = columns.map((column) => width(column, rows));
  return (
    <div class="table-box" ref={box} tabIndex={0} role="region" aria-label={label}>
      <table aria-rowcount={rows.length + 1} aria-label={label} style={{ minWidth: `${sum(widths)}ch` }}>
        <colgroup>
          {columns.map((column, at) => (
            <col key={column.id} style={{ width: `${widths[at] ?? 0}ch` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Heading key={column.id} column={column} sorting={sorting} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Gap rows={first} columns={columns.length} />}
          {rows.slice(first, last).map((row, at) => (
            <tr key={id(row)} aria-rowindex={first + at + 2}>
              {columns.map((column) => (
                <td key={column.id} title={column.text(row)}>
                  {column.cell ? column.cell(row) : column.text(row)}
                </td>
              ))}
            </tr>
          ))}
          {last < rows.length && <Gap rows={rows.length - last} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

/** Stands for rows that are out of sight. */
function Gap({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true" class="gap-row">
      <td colSpan={columns} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

interface HeadingProps<T> {
  column: Column<T>;
  sorting: Sorting;
  sort: (sorting: Sorting) => void;
}

function Heading<T>({ column, sorting, sort }: HeadingProps<T>) {
  const is = sorting.by === column.id;
  const direction = sorting.down ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={is ? direction : "none"}>
      <button type="button" onClick={() => sort({ by: column.id, down: is && !sorting.down })}>
        {column.title}
        <span aria-hidden="true">{is ? (sorting.down ? " ▾" : " ▴") : ""}</span>
      </button>
    </th>
  );
}

/** Which part of the box is in sight, as it is scrolled and resized. */
function useSight(box: { current: HTMLDivElement | null }): { top: number; height: number } {
  const [sight, setSight] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [box]);
  return sight;
}

const NARROWEST = 6;
const WIDEST = 44;

/** In characters: what the longest of the first rows needs, within bounds. */
function width<T>(column: Column<T>, rows: T[]): number {
  const longest = rows.slice(0, SAMPLED).reduce((most, row) => Math.max(most, column.text(row).length), column.title.length);
  return Math.min(Math.max(longest, NARROWEST), WIDEST) + 4;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
