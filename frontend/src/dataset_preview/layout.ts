/** Where the columns of the table stand. Widths in pixels. */

import { isMedia, isNumeric } from "./kinds";
import type { Cell } from "./page";
import type { TableColumn } from "./wire";

export const NARROWEST = 56;
export const WIDEST = 800;
/** The widest that a column becomes by itself. */
const MOST = 340;
const LETTER = 7.6;
const PADDING = 28;
/** What the head of a column needs for its bars and its figures. */
const LEAST = 116;
/** Of dates, for the first and the last stand side by side. */
const LEAST_DATE = 160;

export interface Slot {
  /** The column's place in the table, whatever is hidden. */
  index: number;
  column: TableColumn;
  /** Its place among the columns on show. */
  position: number;
  start: number;
  width: number;
}

export interface Layout {
  slots: readonly Slot[];
  /** Width of the column of row numbers, which stays in view. */
  numbers: number;
  width: number;
}

export function layOut(
  columns: readonly TableColumn[],
  hidden: ReadonlySet<string>,
  widths: ReadonlyMap<string, number>,
  rows: number,
): Layout {
  const numbers = Math.max(44, Math.ceil(String(Math.max(1, rows)).length * LETTER * 1.25) + 20);
  let start = numbers;
  const slots: Slot[] = [];
  columns.forEach((column, index) => {
    if (hidden.has(column.name)) return;
    const width = widths.get(column.name) ?? LEAST;
    slots.push({ index, column, position: slots.length, start, width });
    start += width;
  });
  return { slots, numbers, width: start };
}

/** The slots that are seen at least in part when the table is scrolled `left` pixels sideways. */
export function slotsSeen({ slots, numbers }: Layout, left: number, view: number): readonly Slot[] {
  return slots.filter(({ start, width }) => start + width > left + numbers - 40 && start < left + view + 40);
}

/** How wide a column should be for its name and these of its cells. */
export function widthFor(column: TableColumn, cells: readonly (Cell | undefined)[]): number {
  const name = column.name.length * LETTER * 1.08 + 56;
  if (isMedia(column.kind)) return Math.round(Math.min(MOST, Math.max(LEAST, name)));
  const letters = cells.map((cell) => cell?.text?.length ?? 0).sort((a, b) => a - b);
  // Numbers must be seen whole; of texts a few may be long.
  const share = isNumeric(column.kind) ? 1 : 0.9;
  const length = letters[Math.min(letters.length - 1, Math.floor(letters.length * share))] ?? 0;
  const least = column.kind === "date" ? LEAST_DATE : LEAST;
  return Math.round(Math.min(MOST, Math.max(least, name, length * LETTER + PADDING)));
}

/** The widths, with what is left of `room` shared among the columns whose texts are longer than they are wide. */
export function spread(columns: readonly TableColumn[], widths: readonly number[], room: number): number[] {
  const long = columns.map(({ kind }, index) => (kind === "text" || kind === "nested") && widths[index] === MOST);
  const count = long.filter(Boolean).length;
  const spare = room - widths.reduce((sum, width) => sum + width, 0);
  if (count === 0 || spare <= 0) return [...widths];
  return widths.map((width, index) => (long[index] ? Math.floor(Math.min(WIDEST, width + spare / count)) : width));
}
