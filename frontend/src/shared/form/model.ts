/** The form's logic without its looks: values, visibility, presets, what was changed. */

import type { Scale } from "../controls/scale";
import type { Field, Options, Preset, Value } from "../wire";

/** Past this many whole numbers a slider cannot be aimed (a seed, say). */
const MOST_SLIDER_INTEGERS = 100_000;

export function startValues(fields: readonly Field[]): Options {
  return Object.fromEntries(fields.map((field) => [field.name, field.default]));
}

/** True when everything the field needs is chosen; what is not shown is not sent either. */
export function isVisible(field: Field, values: Options): boolean {
  return Object.entries(field.needs ?? {}).every(([name, wanted]) => wanted.includes(values[name] ?? null));
}

/** The options to send: those that are on the form now. */
export function visibleOptions(fields: readonly Field[], values: Options): Options {
  const shown = fields.filter((field) => isVisible(field, values));
  return Object.fromEntries(shown.map((field) => [field.name, values[field.name] ?? null]));
}

/** The start values with the preset's own over them. */
export function presetValues(fields: readonly Field[], preset: Preset): Options {
  return { ...startValues(fields), ...preset.options };
}

/** The preset the values stand for: all of its options, and everything else as at the start. */
export function presetOf(fields: readonly Field[], presets: readonly Preset[], values: Options): Preset | undefined {
  return presets.find((preset) => {
    const wanted = presetValues(fields, preset);
    return fields.every((field) => values[field.name] === wanted[field.name]);
  });
}

export interface Group {
  name: string;
  fields: Field[];
}

/** Fields by group, in the order they were declared. */
export function groupsOf(fields: readonly Field[]): Group[] {
  const groups = new Map<string, Group>();
  for (const field of fields) {
    const group = groups.get(field.group) ?? { name: field.group, fields: [] };
    group.fields.push(field);
    groups.set(field.group, group);
  }
  return [...groups.values()];
}

/** How the field's slider runs, or null where a slider would be of no use. */
export function scaleOf(field: Field): Scale | null {
  const { form_min: min, form_max: max } = field;
  if (min === null || max === null || min >= max) return null;
  const integer = field.type === "int";
  if (integer && max - min > MOST_SLIDER_INTEGERS) return null;
  const kind = field.scale === "log" && min > 0 ? "log" : "linear";
  return { min, max, kind, integer, step: field.step };
}

/** What an arrow key adds in the number field. */
export function stepOf(field: Field, value: Value): number {
  if (field.step !== null) return field.step;
  if (field.type === "int") return 1;
  const size = typeof value === "number" && value !== 0 ? Math.floor(Math.log10(Math.abs(value))) : -2;
  return 10 ** size;
}
