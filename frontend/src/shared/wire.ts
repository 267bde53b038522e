/** What a panel and the kernel say to each other; the browser's twin of `nbtrain/widgets/wire.py`, explained in docs/wire.md. */

/** One value of an option, as JSON has it. */
export type Value = number | string | boolean | null;

/** Options by their flat names. */
export type Options = Record<string, Value>;

export type State = "preparing" | "running" | "paused" | "finished" | "stopped" | "failed";

export type Stage = "preheating" | "simmering" | "boiling" | "finishing" | "ready" | "burnt" | "paused";

export interface RunError {
  kind: string;
  message: string;
}

export interface Resumption {
  exact: boolean;
  reasons: string[];
}

export interface Chef {
  key: string;
  args: Record<string, string | number>;
}

export interface RunState {
  run: string;
  name: string;
  state: State;
  stage: Stage;
  reason: string;
  warnings: string[];
  step: number;
  total_steps: number | null;
  epoch: number;
  epochs: number;
  progress: number;
  samples_per_second: number | null;
  seconds_left: number | null;
  seconds: number;
  heat: number;
  bubbles: number;
  chef: Chef;
  error: RunError | null;
  resumed: Resumption | null;
  parent: string | null;
  live: Options;
  /** The loop is the user's: nothing can be saved or resumed. */
  own_loop: boolean;
  last: Record<string, number | null>;
  /** Figures that say whether the run is well. */
  signs: SignView[];
  /** Epochs of which samples are kept. */
  sampled: number[];
  colour: number;
}

export interface SeriesPart {
  run: string;
  name: string;
  count: number;
  total: number;
  reset: boolean;
  first: number;
  stride: number;
  steps: number | null;
  values: number;
}

export interface GpuSample {
  index: number;
  name: string;
  use: number | null;
  memory_used: number | null;
  memory_total: number | null;
  temperature: number | null;
  power: number | null;
  power_limit: number | null;
}

export interface HardwareSample {
  time: number;
  cpu: number;
  cores: number[];
  memory_used: number;
  memory_total: number;
  process_memory: number;
  disk_used: number;
  disk_total: number;
  disk_read: number;
  disk_write: number;
  gpus: GpuSample[];
  gpu_note: string;
}

export type TaskPhase = "running" | "done" | "failed" | "cancelled";

export interface TaskState {
  task: string;
  kind: string;
  title: string;
  phase: TaskPhase;
  done: number;
  total: number | null;
  unit: string;
  seconds: number;
  error: RunError | null;
}

export interface Snapshot {
  type: "snapshot";
  seq: number;
  states: RunState[];
  series: SeriesPart[];
  hardware?: HardwareSample[];
  tasks?: TaskState[];
}

export interface Delta {
  type: "delta";
  seq: number;
  states: RunState[];
  series: SeriesPart[];
  hardware?: HardwareSample[];
  tasks?: TaskState[];
}

export interface Beat {
  type: "beat";
  seq: number;
}

export interface Problem {
  field: string;
  message: string;
}

export interface ReplyError {
  kind: string;
  message: string;
  problems: Problem[];
}

export interface Reply {
  type: "reply";
  id: string;
  ok: boolean;
  result?: unknown;
  error?: ReplyError;
}

export type Message = Snapshot | Delta | Beat | Reply;

export interface Field {
  name: string;
  group: string;
  type: "int" | "float" | "bool" | "choice" | "text";
  default: Value;
  min: number | null;
  max: number | null;
  form_min: number | null;
  form_max: number | null;
  step: number | null;
  scale: "linear" | "log";
  choices: string[] | null;
  unit: string | null;
  live: boolean;
  advanced: boolean;
  /** Option → one of its values that is chosen; of none any that is not empty. */
  needs: Record<string, Value[]> | null;
  recommended: Value;
  /** Those that look at it; null: all. */
  recipes: string[] | null;
  optional: boolean;
}

export interface Preset {
  name: string;
  recommended: boolean;
  options: Options;
}

export interface RunRow {
  id: string;
  name: string;
  state: string;
  created: number;
  step: number;
  total_steps: number | null;
  metrics: Record<string, number>;
  parent: string | null;
  live: boolean;
}

export interface Subject {
  name: string;
  kind: "model" | "data";
  text: string;
  /** Those that a model is made for; null: any. */
  recipes: string[] | null;
}

export interface RecipeFace {
  name: string;
  /** Its defaults, where they differ from the general ones. */
  options: Options;
  /** What follows another option: its name, then its value. */
  steering: Record<string, Record<string, Options>>;
  columns: string[];
}

export interface ColumnChoice {
  name: string;
  kind: string;
}

export interface TeacherChoice {
  name: string;
  text: string;
  /** Why it cannot teach; empty where it can. */
  why: string;
}

export interface Foreseen {
  model: string;
  recipe: string;
  parameters: number;
  rows: Record<string, number>;
  steps: number | null;
  seconds: number | null;
  memory: number | null;
  device: string;
  free: number | null;
  notes: string[];
}

export interface SignView {
  name: string;
  value: number | null;
  low: number;
  high: number;
  health: "good" | "off" | "bad";
}

export interface SampleView {
  title: string;
  kind: "text" | "image" | "audio";
  mime: string;
}

export interface GroupView {
  name: string;
  rows: number;
  figures: Record<string, number | null>;
}

export interface PairView {
  truth: string;
  predicted: string;
  count: number;
  /** Rows of the true class. */
  of: number;
}

export interface WorstView {
  row: number;
  truth: string;
  predicted: string;
  measure: number | null;
  chance: number | null;
  text: string;
  cells: [string, string][];
  /** Index of a buffer. */
  image: number | null;
  mime: string;
}

export interface ResultsView {
  part: "test" | "validation" | "given";
  rows: number;
  step: number;
  metrics: Record<string, number | null>;
  classes: string[];
  /** Rows of each class (down) taken for each (across); null where there are none, or too many for a table. */
  matrix: number[][] | null;
  /** Most often confused; null where there are no classes. */
  pairs: PairView[] | null;
  groups: GroupView[];
  of_groups: number;
  /** Index of a buffer: truth and prediction in turn. */
  points: number | null;
  measure: string;
  worst: WorstView[];
  notes: string[];
}
