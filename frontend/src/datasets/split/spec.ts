/** What the form of a split holds, and what of it is sent. */

import type { DatasetFacts } from "../wire";
import type { Ratios } from "./ratios";

export type Method = "random" | "stratified" | "group" | "time" | "column" | "kfold";
export type ColumnField = "target" | "group" | "time" | "column" | "key";
export type FieldName = ColumnField | "gap" | "folds" | "fold" | "seed";

export interface Spec {
  method: Method;
  ratios: Ratios;
  target: string | null;
  group: string | null;
  time: string | null;
  column: string | null;
  key: string | null;
  /** Rows, or a time such as `7d`. */
  gap: string;
  folds: number;
  /** Counted from 1, as people do. */
  fold: number;
  seed: number;
}

/** Which fields a method has, in their order, and the shares of which parts it asks for. */
export const METHODS: Readonly<Record<Method, { shares: "all" | "test" | "none"; fields: readonly FieldName[] }>> = {
  random: { shares: "all", fields: ["target", "key", "seed"] },
  stratified: { shares: "all", fields: ["target", "key", "seed"] },
  group: { shares: "all", fields: ["group", "target", "seed"] },
  time: { shares: "all", fields: ["time", "gap", "group", "target"] },
  column: { shares: "none", fields: ["column", "target"] },
  kfold: { shares: "test", fields: ["folds", "fold", "target", "group", "key", "seed"] },
};
/** Fields without which a method cannot work. */
export const NEEDED: Readonly<Partial<Record<Method, ColumnField>>> = {
  stratified: "target",
  group: "group",
  time: "time",
  column: "column",
};

const START: Spec = {
  method: "random",
  ratios: [0.75, 0.125, 0.125],
  target: null,
  group: null,
  time: null,
  column: null,
  key: null,
  gap: "0",
  folds: 5,
  fold: 1,
  seed: 0,
};

/** The split as it was made; else what suits the dataset: stratified where there is a target. */
export function startSpec(facts: DatasetFacts): Spec {
  const made = facts.split?.spec;
  if (!made) {
    const { target } = facts;
    return { ...START, target, method: target === null ? "random" : "stratified" };
  }
  const text = (name: string): string | null => (typeof made[name] === "string" ? (made[name] as string) : null);
  const number = (name: string, otherwise: number): number =>
    typeof made[name] === "number" ? (made[name] as number) : otherwise;
  const keys = Array.isArray(made.key) ? made.key : [];
  return {
    method: (text("method") as Method | null) ?? START.method,
    ratios: [number("train", 0.75), number("validation", 0.125), number("test", 0.125)],
    target: text("target"),
    group: text("group"),
    time: text("time"),
    column: text("column"),
    key: typeof keys[0] === "string" ? keys[0] : null,
    gap: String(made.gap ?? "0"),
    folds: number("folds", START.folds),
    fold: number("fold", 0) + 1,
    seed: number("seed", START.seed),
  };
}

/** The spec as it is sent: what the method does not know is left out. */
export function specOf(spec: Spec): Record<string, unknown> {
  const { shares, fields } = METHODS[spec.method];
  const [train, validation, test] = spec.ratios;
  const sent = { all: { train, validation, test }, test: { test }, none: {} }[shares];
  const found: Record<string, unknown> = { method: spec.method, ...sent };
  for (const name of fields) found[name] = sentAs(spec, name);
  return found;
}

function sentAs(spec: Spec, name: FieldName): unknown {
  if (name === "key") return spec.key === null ? [] : [spec.key];
  if (name === "fold") return spec.fold - 1;
  if (name === "gap") return /^\d+$/.test(spec.gap.trim()) ? Number(spec.gap) : spec.gap.trim();
  return spec[name];
}
