/** A list of steps as it is put together: values of their options, and what of them is sent. */

import type { ColumnView, StepField, StepSchema } from "../wire";

/** One step on the list; `id` tells two of the same kind apart. */
export interface DraftStep {
  id: number;
  step: string;
  values: Readonly<Record<string, unknown>>;
}

let count = 0;

/** A new step with its options as they are by default. */
export function drafted(schema: StepSchema): DraftStep {
  count += 1;
  return { id: count, step: schema.name, values: Object.fromEntries(schema.fields.map((f) => [f.name, f.default])) };
}

/** A step as Python knows it. Options that count for nothing now are left out. */
export function stepOf(draft: DraftStep, schema: StepSchema | undefined): Record<string, unknown> {
  const shown = (schema?.fields ?? []).filter((field) => isShown(field, draft.values));
  return { step: draft.step, ...Object.fromEntries(shown.map(({ name }) => [name, draft.values[name]])) };
}

export function isShown(field: StepField, values: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(field.needs ?? {}).every(([name, wanted]) => wanted.includes(values[name] ?? null));
}

/** The columns that an option of this field may name. */
export function columnsFor(field: StepField, columns: readonly ColumnView[]): readonly ColumnView[] {
  return field.kinds === null ? columns : columns.filter(({ kind }) => field.kinds?.includes(kind));
}

/** The list with the step at `from` moved to `to`. */
export function reordered<T>(steps: readonly T[], from: number, to: number): T[] {
  const found = [...steps];
  const [taken] = found.splice(from, 1);
  if (taken !== undefined) found.splice(to, 0, taken);
  return found;
}

/** A name that is not taken: `digits 2` where `digits` is. */
export function freeName(wanted: string, taken: readonly string[]): string {
  const known = new Set(taken.map((name) => name.toLowerCase()));
  let name = wanted;
  for (let number = 2; known.has(name.toLowerCase()); number++) name = `${wanted} ${number}`;
  return name;
}
