/** A small table for the preview: its columns, rows as Arrow, and what Python measured of one. */

import { float64, tableFromArrays, tableToIPC, utf8 } from "@uwdata/flechette";
import { act } from "preact/test-utils";
import type { ColumnProfile, Setup, TableColumn } from "../src/dataset_preview/wire";
import { I18n } from "../src/shared/i18n";

export const HOSTILE = `<img src=x onerror="window.pwned=1">`;
export const COLUMNS: TableColumn[] = [
  { name: "label", kind: "text", type: "VARCHAR" },
  { name: HOSTILE, kind: "text", type: "VARCHAR" },
  { name: "score", kind: "number", type: "DOUBLE" },
];
export const SETUP: Setup = {
  name: "a.csv",
  columns: COLUMNS,
  target: null,
  tokenizer: null,
  page_rows: 100,
  importable: false,
};
export const WORDS = {
  "data.search": "Search",
  "data.rows": "{count} rows",
  "data.found": "{found} of {total} rows",
  "data.counting": "Counting",
  "data.missing": "Missing",
  "data.row": "Row {row}",
  "data.filter.eq": "{column} is {value}",
  "data.filter.remove": "Remove",
  "data.nothing.title": "No row fits",
  "data.nothing.clear": "Show all rows",
  "data.sort.help": "Sort by {column}",
  "data.profile.cancel": "Cancel",
  "data.profile.at": "Measuring {share}",
  "data.close": "Close",
  "data.copy": "Copy",
  "data.columns": "Columns",
  "button.retry": "Try again",
  "button.cancel": "Cancel",
  "data.import": "Import",
  "data.import.at": "Importing {share}",
  "data.import.done": "Kept as {name}",
  "data.import.failed": "Not imported: {message}",
  "data.import.cancelled": "Called off",
};
export const WORDS_OBJECT = new I18n(WORDS, "en", "ltr");

export const PROFILE: ColumnProfile = {
  name: "label",
  kind: "text",
  type: "VARCHAR",
  rows: 10,
  missing: 0,
  distinct: 2,
  minimum: null,
  maximum: null,
  mean: null,
  std: null,
  quantiles: [],
  zeros: null,
  infinite: null,
  histogram: null,
  top: [
    { value: "ham", count: 8, cut: false },
    { value: HOSTILE, count: 2, cut: false },
  ],
  characters: null,
  tokens: null,
  right_to_left: null,
  elements: null,
  pictures: null,
};

export function rows(first: number, count: number): DataView {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  const bytes = tableToIPC(
    tableFromArrays(
      {
        row: numbers,
        c0: numbers.map((number) => (number % 2 ? "spam" : "ham")),
        c1: numbers.map((number) => (number === 1 ? null : HOSTILE)),
        n1: numbers.map((number) => (number === 2 ? 500 : null)),
        c2: numbers.map((number) => number / 3),
      },
      { types: { row: float64(), c0: utf8(), c1: utf8(), n1: float64(), c2: float64() } },
    ),
    { format: "stream" },
  );
  if (!bytes) throw new Error("No bytes.");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export async function settle(): Promise<void> {
  await act(async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}
