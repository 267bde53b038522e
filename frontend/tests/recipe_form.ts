/** A form with a few options, recipes and data, as Python would tell it. */

import type { Preset, RecipeFace, Subject } from "../src/shared/wire";
import { field } from "./fake";

const number = { type: "int", min: 1, max: 1000, form_min: 1, form_max: 1000, step: null } as const;

export const FIELDS = [
  field("epochs", { ...number, default: 10, recommended: 10 }),
  field("learning_rate", { default: 0.001, recommended: 0.001 }),
  field("patience", { ...number, default: 3, recommended: 3, form_max: 10, advanced: true }),
  field("recipe", {
    group: "task",
    type: "text",
    default: "auto",
    choices: ["auto", "custom", "timeseries", "speech"],
    min: null,
    max: null,
  }),
  field("multi_gpu", { ...number, group: "devices", default: 0, recommended: 0, min: 0, advanced: true }),
  field("window", { ...number, group: "series", default: 64, recommended: 64, recipes: ["timeseries"] }),
  field("level", {
    group: "speech",
    type: "choice",
    default: "normal",
    choices: ["basic", "normal"],
    min: null,
    max: null,
    recipes: ["speech"],
  }),
];

export const PRESETS: Preset[] = [{ name: "fast", recommended: true, options: { epochs: 5 } }];

const face = (name: string, more: Partial<RecipeFace> = {}): RecipeFace => ({
  name,
  options: {},
  steering: {},
  columns: [],
  ...more,
});

export const RECIPES = [
  face("auto", { columns: ["target"] }),
  face("custom"),
  face("timeseries", {
    options: { epochs: 150, learning_rate: 0.00005, patience: 20 },
    columns: ["target", "features", "time"],
  }),
  face("speech", { steering: { level: { basic: { learning_rate: 0.00001 }, normal: { learning_rate: 0.0001 } } } }),
];

export const SUBJECTS: Subject[] = [
  { name: "net", kind: "model", text: "", recipes: null },
  { name: "architecture:tcn", kind: "model", text: "", recipes: ["timeseries"] },
  { name: "architecture:mlp", kind: "model", text: "", recipes: ["tabular"] },
  { name: "dataset:prices", kind: "data", text: "", recipes: null },
];

/** The traits of a panel with this form; `bound`: to a model and data that were handed in. */
export function traits(bound = true): Record<string, unknown> {
  const setup = { fields: FIELDS, presets: PRESETS, recipes: RECIPES, bound };
  return { words: {}, language: "en", direction: "ltr", setup };
}
