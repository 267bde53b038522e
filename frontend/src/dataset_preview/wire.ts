/** What the preview and the kernel say to each other; twin of `nbtrain/core/table_views.py` and `nbtrain/data/looking/facts.py`. */

export type Kind =
  | "integer"
  | "number"
  | "boolean"
  | "text"
  | "date"
  | "time"
  | "duration"
  | "binary"
  | "nested"
  | "image"
  | "audio";

export type Scalar = number | string | boolean;

export interface TableColumn {
  name: string;
  kind: Kind;
  type: string;
}

export interface CellText {
  row: number;
  text: string | null;
  length: number;
  cut: boolean;
}

export interface MediaItem {
  row: number;
  kind: string;
  problem: string;
  path: string;
  bytes: number;
  width: number;
  height: number;
}

export interface Count {
  value: Scalar;
  count: number;
  cut: boolean;
}

export interface Histogram {
  edges: (number | string)[];
  counts: number[];
}

export interface Lengths {
  minimum: number;
  maximum: number;
  mean: number;
  quantiles: number[];
  histogram: Histogram;
  cells: number;
  sampled: boolean;
}

export interface Pictures {
  sizes: [number, number, number][];
  unreadable: number;
  cells: number;
  sampled: boolean;
}

export interface ColumnProfile {
  name: string;
  kind: Kind;
  type: string;
  rows: number;
  missing: number;
  distinct: number | null;
  minimum: number | string | null;
  maximum: number | string | null;
  mean: number | string | null;
  std: number | null;
  quantiles: (number | string)[];
  zeros: number | null;
  infinite: number | null;
  histogram: Histogram | null;
  top: Count[];
  characters: Lengths | null;
  tokens: Lengths | null;
  right_to_left: number | null;
  elements: Lengths | null;
  pictures: Pictures | null;
}

export interface Profile {
  rows: number;
  bytes: number | null;
  columns: ColumnProfile[];
  target: string | null;
  classes: Count[];
  other_classes: number;
}

/** What Python tells the preview once. */
export interface Setup {
  name: string;
  columns: TableColumn[];
  target: string | null;
  tokenizer: string | null;
  page_rows: number;
  /** Whether it can be taken into the workspace. */
  importable: boolean;
}
