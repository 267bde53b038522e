/** The form's logic without its looks: values, visibility, presets, what was changed. */

import type { Scale } from "../controls/scale";
import type { Field, Options, Preset, RecipeFace, Value } from "../wire";

/** Past this many whole numbers a slider cannot be aimed (a seed, say). */
const MOST_SLIDER_INTEGERS = 100_000;

export function startValues(fields: readonly Field[]): Options {
  return Object.fromEntries(fields.map((field) => [field.name, field.default]));
}

/** The recipe is an option like any other, but it says which others there are. */
export const RECIPE = "recipe";
export const AUTO = "auto";
export const CUSTOM = "custom";

/** The fields as the recipe that is chosen has them: starting from its defaults, which it also recommends and shows. */
export function fittedFields(fields: readonly Field[], recipes: readonly RecipeFace[], edited: Options): Field[] {
  const start = startValues(fields);
  const chosen = recipes.find(({ name }) => name === (edited[RECIPE] ?? start[RECIPE]));
  if (!chosen) return [...fields];
  let own = chosen.options;
  for (const [option, sets] of Object.entries(chosen.steering)) {
    const value = edited[option] ?? own[option] ?? start[option];
    own = { ...own, ...sets[String(value)] };
  }
  return fields.map((field) => {
    const value = own[field.name];
    if (value === undefined) return field;
    return { ...field, recommended: value, default: value, advanced: false, ...reaching(field, value) };
  });
}

/** The ends of a slider on which a recipe's own value lies too. */
function reaching({ form_min: min, form_max: max }: Field, value: Value): Partial<Field> {
  if (typeof value !== "number" || min === null || max === null) return {};
  return { form_min: Math.min(min, value), form_max: Math.max(max, value) };
}

/** What was changed, after `next` was chosen where the form showed `shown`: what is as the form starts is no change. */
export function editsAfter(
  fields: readonly Field[],
  recipes: readonly RecipeFace[],
  edited: Options,
  shown: Options,
  next: Options,
): Options {
  const changed = Object.entries(next).filter(([name, value]) => value !== shown[name]);
  const merged = { ...edited, ...Object.fromEntries(changed) };
  const start = startValues(fittedFields(fields, recipes, merged));
  const general = startValues(fields);
  return Object.fromEntries(
    Object.entries(merged).filter(([name, value]) => value !== (name === RECIPE ? general : start)[name]),
  );
}

/** True when the recipe looks at the field, and everything it needs is chosen; what is not shown is not sent either. */
export function isVisible(field: Field, values: Options): boolean {
  const recipe = values[RECIPE];
  if (field.recipes !== null && typeof recipe === "string" && !field.recipes.includes(recipe)) return false;
  return Object.entries(field.needs ?? {}).every(([name, wanted]) => {
    const value = values[name] ?? null;
    return wanted.length > 0 ? wanted.includes(value) : value !== null && value !== "";
  });
}

/** The options to send: those that are on the form now; where Python is to find the recipe, what was changed alone. */
export function visibleOptions(fields: readonly Field[], values: Options): Options {
  const auto = values[RECIPE] === AUTO;
  const sent = fields.filter(
    (field) => isVisible(field, values) && !(auto && values[field.name] === field.default && field.name !== RECIPE),
  );
  return Object.fromEntries(sent.map((field) => [field.name, values[field.name] ?? null]));
}

/** A recipe has a start of its own, which is the one that is recommended then. */
export function presetsOf(presets: readonly Preset[], values: Options): readonly Preset[] {
  if (presets.length === 0 || !isNamed(values[RECIPE])) return presets;
  return [
    { name: RECIPE, recommended: true, options: {} },
    ...presets.map((preset) => ({ ...preset, recommended: false })),
  ];
}

/** Whether a recipe sets defaults, one that is still to be found too. */
function isNamed(recipe: Value | undefined): boolean {
  return typeof recipe === "string" && recipe !== CUSTOM;
}

/** The start values with the preset's own over them; the recipe stays, for a preset goes over any. */
export function presetValues(fields: readonly Field[], preset: Preset, values: Options): Options {
  const { [RECIPE]: recipe } = values;
  return { ...startValues(fields), ...preset.options, ...(recipe === undefined ? {} : { [RECIPE]: recipe }) };
}

/** The preset the values stand for: all of its options, and everything else as at the start. */
export function presetOf(fields: readonly Field[], presets: readonly Preset[], values: Options): Preset | undefined {
  return presets.find((preset) => {
    const wanted = presetValues(fields, preset, values);
    return fields.every((field) => values[field.name] === wanted[field.name]);
  });
}

export interface Group {
  name: string;
  fields: Field[];
  /** Whether it is what just some recipes ask, the chosen one among them. */
  own: boolean;
}

/** Fields by group, in the order they were declared; those of the recipe that is chosen come after the first. */
export function groupsOf(fields: readonly Field[], values: Options): Group[] {
  const groups = new Map<string, Group>();
  for (const field of fields) {
    const group = groups.get(field.group) ?? { name: field.group, fields: [], own: isNamed(values[RECIPE]) };
    group.fields.push(field);
    group.own &&= field.recipes !== null && !field.recipes.includes(AUTO);
    groups.set(field.group, group);
  }
  const [first, ...rest] = groups.values();
  if (!first) return [];
  return [first, ...rest.filter(({ own }) => own), ...rest.filter(({ own }) => !own)];
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
