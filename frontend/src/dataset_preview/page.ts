/** A page of rows as Arrow brought it: cells by place, as they are shown. */

import { type Table, tableFromIPC } from "@uwdata/flechette";

export interface Cell {
  /** What is shown; null: the cell is missing. */
  text: string | null;
  /** Characters of the whole text where only its beginning is here; bytes of a binary cell, an image or a sound. */
  full: number | null;
}

export class Page {
  readonly count: number;
  readonly #table: Table;

  constructor(buffer: DataView) {
    this.#table = tableFromIPC(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
    this.count = this.#table.numRows;
  }

  /** The number of the row in the table, from 0. */
  row(place: number): number {
    return Number(this.#table.getChild("row")?.at(place));
  }

  cell(place: number, column: number): Cell {
    const value: unknown = this.#table.getChild(`c${column}`)?.at(place) ?? null;
    const full: unknown = this.#table.getChild(`n${column}`)?.at(place) ?? null;
    const text = value === null ? null : typeof value === "number" ? figure(value) : String(value);
    return { text, full: full === null ? null : Number(full) };
  }
}

/** A number of the data in at most `digits` digits, in Latin ones: it will be compared and typed. */
export function figure(value: number, digits = 7): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const whole = Number.isInteger(value) && size < 10 ** Math.max(digits, 9);
  const rounded = whole ? value : Number(value.toPrecision(digits));
  const short = size === 0 || (size >= 1e-6 && size < 1e12);
  return (short ? String(rounded) : rounded.toExponential()).replace(/^-/, "−").replace("e+", "e");
}
