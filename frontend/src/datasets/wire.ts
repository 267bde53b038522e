/** What the datasets panel is told; the browser's twin of `nbtrain/core/dataset_views.py`. */

/** A value of a column: dates and what JSON has no type for are written as text. */
export type Scalar = string | number | boolean | null;

export interface SourceView {
  kind: string;
  args: Record<string, Scalar>;
}

export interface DatasetRow {
  id: string;
  name: string;
  rows: number;
  columns: number;
  bytes: number;
  kind: "table" | "text" | "image" | "audio";
  created: number;
  source: string;
  origin: SourceView | null;
  rejected: number;
}

export interface UploadView {
  upload: string;
  name: string;
  size: number;
  have: number;
}

export interface ColumnView {
  name: string;
  kind: string;
  type: string;
}

export interface ValueCount {
  value: Scalar;
  count: number;
}

export interface ColumnFacts {
  name: string;
  kind: string;
  type: string;
  missing: number;
  distinct: number | null;
  min: Scalar;
  max: Scalar;
  mean: number | null;
  deviation: number | null;
  quantiles: Scalar[];
  top: ValueCount[];
  histogram: number[];
  characters: number | null;
  tokens: number | null;
}

export interface ProfileView {
  rows: number;
  bytes: number;
  target: string | null;
  columns: ColumnFacts[];
  classes: ValueCount[];
}

export interface PartCounts {
  value: Scalar;
  parts: number[];
}

export interface NoteView {
  kind: string;
  args: Record<string, Scalar>;
}

export interface SplitView {
  spec: Record<string, unknown>;
  counts: number[];
  classes: PartCounts[];
  notes: NoteView[];
}

export interface FindingView {
  index: number;
  kind: string;
  severity: "high" | "medium" | "low";
  count: number;
  share: number;
  columns: string[];
  rows: number[];
  args: Record<string, Scalar>;
  remedy: string | null;
}

export interface Cure {
  task: string | null;
  taken: boolean;
  code: string;
}

export interface QualityView {
  findings: FindingView[];
  stale: boolean;
}

export interface DatasetFacts {
  row: DatasetRow;
  fingerprint: string;
  rejected_file: string;
  notes: string[];
  columns: ColumnView[];
  target: string | null;
  steps: Record<string, unknown>[];
  profile: ProfileView | null;
  split: SplitView | null;
  quality: QualityView | null;
  running: Record<string, string>;
}

export interface StepField {
  name: string;
  type: "int" | "float" | "bool" | "choice" | "text" | "column" | "columns";
  default: unknown;
  min: number | null;
  max: number | null;
  choices: string[] | null;
  kinds: string[] | null;
  optional: boolean;
  advanced: boolean;
  needs: Record<string, unknown[]> | null;
}

export interface StepSchema {
  name: string;
  group: string;
  learns: boolean;
  augments: boolean;
  fields: StepField[];
}

export interface Cells {
  columns: string[];
  rows: (string | null)[][];
}

export interface BeforeAfter {
  before: Cells;
  after: Cells;
  dropped: number;
}
