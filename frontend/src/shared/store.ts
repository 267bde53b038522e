/** What the browser knows of the runs: their states, their series, and the machine they run on. */

import { Signal } from "./signal";
import type { Delta, HardwareSample, RunState, SeriesPart, Snapshot, TaskState } from "./wire";

/** A few minutes of samples, one a second. */
const HARDWARE_KEPT = 600;

/** One growing line of a chart: `steps` and `values` are views of equal length, replaced when the series grows. */
export class Series {
  total = 0;
  /** Raised whenever what was known is forgotten, so that a reader of a part knows to start anew. */
  generation = 0;
  #steps = new Float64Array(256);
  #values = new Float32Array(256);
  #size = 0;

  get length(): number {
    return this.#size;
  }

  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#size);
  }

  get values(): Float32Array {
    return this.#values.subarray(0, this.#size);
  }

  get last(): number | undefined {
    return this.#size > 0 ? this.#values[this.#size - 1] : undefined;
  }

  clear(): void {
    this.#size = 0;
    this.generation++;
  }

  /** Adds `values`; the i-th belongs to step `stepOf(i)`. */
  append(values: Float32Array, stepOf: (index: number) => number): void {
    this.#reserve(this.#size + values.length);
    this.#values.set(values, this.#size);
    for (let index = 0; index < values.length; index++) this.#steps[this.#size + index] = stepOf(index);
    this.#size += values.length;
  }

  #reserve(size: number): void {
    if (size <= this.#values.length) return;
    const capacity = Math.max(size, this.#values.length * 2);
    const steps = new Float64Array(capacity);
    const values = new Float32Array(capacity);
    steps.set(this.steps);
    values.set(this.values);
    this.#steps = steps;
    this.#values = values;
  }
}

export class Store {
  /** Run id → state, in the order Python told them. */
  readonly states = new Signal<ReadonlyMap<string, RunState>>(new Map());
  /** Raised when any series changed; read the series themselves with `series`. */
  readonly version = new Signal(0);
  /** Oldest first. */
  readonly hardware = new Signal<readonly HardwareSample[]>([]);
  /** Task id → long work that is not a run, oldest first. */
  readonly tasks = new Signal<ReadonlyMap<string, TaskState>>(new Map());
  /** False until the first snapshot, so that a panel can tell “nothing yet” from “no runs”. */
  readonly ready = new Signal(false);

  readonly #series = new Map<string, Map<string, Series>>();

  /** The series `name` of `run`, or undefined when nothing of it has come. */
  series(run: string, name: string): Series | undefined {
    return this.#series.get(run)?.get(name);
  }

  /** Names of the series of `run`, in the order they first came. */
  names(run: string): string[] {
    return [...(this.#series.get(run)?.keys() ?? [])];
  }

  /** Takes over a message from Python; a snapshot replaces all that was known. */
  apply(message: Snapshot | Delta, buffers: readonly DataView[]): void {
    const fresh = message.type === "snapshot";
    if (fresh) this.#series.clear();
    for (const part of message.series) this.#append(part, buffers);
    if (fresh || message.states.length > 0) {
      const states = new Map(fresh ? [] : this.states.get());
      for (const state of message.states) states.set(state.run, state);
      this.states.set(states);
    }
    if (message.hardware) {
      const known = fresh ? [] : this.hardware.get();
      this.hardware.set([...known, ...message.hardware].slice(-HARDWARE_KEPT));
    }
    if (message.tasks) {
      const tasks = new Map(fresh ? [] : this.tasks.get());
      for (const task of message.tasks) tasks.set(task.task, task);
      this.tasks.set(tasks);
    }
    if (fresh || message.series.length > 0) this.version.set(this.version.get() + 1);
    this.ready.set(true);
  }

  #append(part: SeriesPart, buffers: readonly DataView[]): void {
    const byName = this.#series.get(part.run) ?? new Map<string, Series>();
    this.#series.set(part.run, byName);
    const series = byName.get(part.name) ?? new Series();
    byName.set(part.name, series);
    if (part.reset) series.clear();
    series.total = part.total;
    const values = floats(buffers[part.values], part.count);
    if (part.steps === null) {
      series.append(values, (index) => part.first + index * part.stride);
    } else {
      const steps = view(buffers[part.steps], part.count);
      series.append(values, (index) => steps.getInt32(index * 4, true));
    }
  }
}

/** A buffer of at least `count` 4-byte numbers, or an error that names what is missing. */
function view(buffer: DataView | undefined, count: number): DataView {
  if (!buffer || buffer.byteLength < count * 4) {
    throw new RangeError(`A series of ${count} points came with ${buffer?.byteLength ?? "no"} bytes.`);
  }
  return buffer;
}

/** Little-endian float32 numbers. Copied one by one: the view's offset need not be a multiple of 4. */
export function floats(buffer: DataView | undefined, count: number): Float32Array {
  const source = view(buffer, count);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) values[index] = source.getFloat32(index * 4, true);
  return values;
}
