/** What the model browser is told; the browser's twin of `nbtrain/core/model_views.py`. */

export type Stage = "none" | "staging" | "production" | "archived";

export type Format = "transformers" | "architecture" | "module" | "exported" | "torchscript" | "onnx";

export interface UploadView {
  upload: string;
  name: string;
  size: number;
  have: number;
}

export interface MetricView {
  name: string;
  value: number;
}

export interface ModelRow {
  id: string;
  name: string;
  architecture: string;
  format: Format;
  task: string;
  category: string;
  tags: string[];
  parameters: number | null;
  bytes: number;
  created: number;
  updated: number;
  versions: number;
  stage: Stage;
  metric: MetricView | null;
  source: string;
  source_args: Record<string, string>;
}

export interface ModelPage {
  rows: ModelRow[];
  total: number;
  count: number;
  categories: string[];
  tags: string[];
}

export interface FileView {
  path: string;
  size: number;
  safe: boolean;
}

export interface VersionView {
  number: number;
  stage: Stage;
  created: number;
  bytes: number;
  parameters: number | null;
  format: Format;
  architecture: string;
  metrics: MetricView[];
  labels: string[];
  data: string;
  options: Record<string, unknown>;
  source: string;
  source_args: Record<string, string>;
  note: string;
  files: FileView[];
  exports: string[];
  tryable: boolean;
}

export interface ModelFacts {
  row: ModelRow;
  versions: VersionView[];
  folder: string;
  running: Record<string, string>;
}

export interface HubRow {
  id: string;
  task: string;
  library: string;
  languages: string[];
  licence: string;
  parameters: number | null;
  downloads: number | null;
  likes: number | null;
  updated: number | null;
  gated: string;
  cached: boolean;
}

export interface HubPage {
  rows: HubRow[];
  next: string | null;
  offline: boolean;
  note: string;
}

export interface CardBlock {
  type: string;
  level: number;
  ordered: boolean;
  language: string;
  text: string;
  spans: CardSpan[];
  items: CardBlock[][];
  cells: CardSpan[][][];
}

export interface CardSpan {
  text: string;
  style: string;
  href: string;
}

export interface FitPart {
  name: string;
  bytes: number;
}

export interface FitView {
  device: string;
  free: number;
  inference: number | null;
  training: number | null;
  inference_verdict: string;
  training_verdict: string;
  parts: FitPart[];
}

export interface HubFacts {
  row: HubRow;
  revision: string;
  commit: string;
  card: CardBlock[];
  files: FileView[];
  tags: string[];
  architecture: string;
  precision: string;
  download: number;
  have: number;
  remote_code: boolean;
  fit: FitView;
  offline: boolean;
  note: string;
  problem: string;
}

export interface DownloadView {
  id: string;
  repository: string;
  revision: string;
  have: number;
  total: number;
  speed: number | null;
  left: number | null;
  phase: string;
  task: string;
  error: string;
  model: string;
  question: string;
}

export interface ExportView {
  path: string;
  files: FileView[];
  bytes: number;
  difference: number | null;
  note: string;
}

export interface TryField {
  name: string;
  type: string;
  choices: string[];
  example: unknown;
  accept: string;
  rows: number;
}

export interface TryForm {
  kind: string;
  fields: TryField[];
  note: string;
}

export interface Guess {
  label: string;
  probability: number;
}

export interface Mark {
  text: string;
  label: string;
}

export interface Shown {
  kind: string;
  title: string;
  text: string;
  marks: Mark[];
  mime: string;
  content: string;
}

export interface Prediction {
  guesses: Guess[];
  values: MetricView[];
  shown: Shown[];
  seconds: number;
  note: string;
}
