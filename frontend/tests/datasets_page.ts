/** The datasets panel on a page, and what Python tells it. */

import { act } from "preact/test-utils";
import { afterEach, beforeEach, vi } from "vitest";
import { Datasets } from "../src/datasets/panel";
import type { DatasetFacts, DatasetRow, StepSchema } from "../src/datasets/wire";
import type { Host } from "../src/shared/model";
import type { TaskState } from "../src/shared/wire";
import { button, draw, FakeModel } from "./fake";
import { pass, reply, stopTheClock } from "./page";

export function row(id: string, more: Partial<DatasetRow> = {}): DatasetRow {
  const plain = {
    rows: 150,
    columns: 5,
    bytes: 4096,
    kind: "table" as const,
    created: 1_700_000_000,
    rejected: 0,
    origin: null,
  };
  return { id, name: id, source: `${id}.csv`, ...plain, ...more };
}

export function facts(of: DatasetRow, more: Partial<DatasetFacts> = {}): DatasetFacts {
  return {
    row: of,
    fingerprint: "f",
    rejected_file: "",
    notes: [],
    columns: [
      { name: "text", kind: "text", type: "VARCHAR" },
      { name: "age", kind: "integer", type: "BIGINT" },
      { name: "label", kind: "text", type: "VARCHAR" },
    ],
    target: "label",
    steps: [],
    profile: null,
    split: null,
    quality: null,
    running: {},
    ...more,
  };
}

export function task(id: string, more: Partial<TaskState> = {}): TaskState {
  const plain = { kind: "import", title: "a.csv", phase: "running" as const, done: 50, total: 100, unit: "rows" };
  return { task: id, seconds: 0, error: null, ...plain, ...more };
}

export const STEPS: StepSchema[] = [
  {
    name: "scale",
    group: "numbers",
    learns: true,
    augments: false,
    fields: [
      { ...plainField("columns"), type: "columns", default: [], kinds: ["integer", "number"] },
      { ...plainField("method"), type: "choice", default: "standard", choices: ["standard", "clip"] },
      { ...plainField("limit"), type: "float", default: 3, needs: { method: ["clip"] } },
    ],
  },
  { name: "html", group: "cleaning", learns: false, augments: false, fields: [] },
  { name: "augment_text", group: "augmentation", learns: false, augments: true, fields: [] },
];

export function plainField(name: string) {
  return { name, min: null, max: null, choices: null, kinds: null, optional: false, advanced: false, needs: null };
}

export const WORDS = {
  "datasets.rows.one": "{count} row",
  "datasets.rows.other": "{count} rows",
  "datasets.task.of": "{done} of {total}",
  "datasets.said.deleted": "{name} was deleted",
  "datasets.said.restored": "{name} is back",
  "datasets.said.imported": "{name} is ready",
  "finding.duplicates": "{count} rows are there twice",
  "datasets.said.use_code": "Run {code}",
  "datasets.from": "from {source}",
  "datasets.source.several": "{path} und {number} weitere",
  "task.import": "Importing {name}",
};

export let model: FakeModel;
export let el: HTMLElement;
export let close: () => void;
export const shown: string[] = [];
export const host: Host = {
  async getWidget(reference) {
    return {
      async render({ el: place }) {
        shown.push(reference);
        place.textContent = `table ${reference}`;
      },
    };
  },
};

export function tell(...tasks: TaskState[]): void {
  act(() => model.push({ type: "delta", states: [], series: [], tasks }));
}

export interface Opening {
  rows?: DatasetRow[];
  uploads?: object[];
  dismissed?: string[];
  tasks?: TaskState[];
}

export async function list({ rows = [row("a"), row("b")], uploads = [], dismissed = [] }: Opening = {}): Promise<void> {
  await reply(() => model.accept("datasets", { rows, uploads, dismissed }));
}

/** The panel as it stands before Python has said anything. */
export async function appear(): Promise<void> {
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: { chunk: 4, steps: STEPS } });
  act(() => {
    ({ el, close } = draw(Datasets, model, host));
  });
  await pass();
}

export async function open(opening: Opening = {}): Promise<void> {
  await appear();
  act(() => model.push({ type: "snapshot", states: [], series: [], tasks: opening.tasks ?? [] }));
  await list(opening);
}

export async function press(label: string): Promise<void> {
  act(() => button(el, label).click());
  await pass();
}

/** Opens a tab of the chosen dataset, whose facts come. */
export async function tab(name: string, more: Partial<DatasetFacts> = {}): Promise<void> {
  const id = String(model.last("dataset").dataset);
  await reply(() => model.accept("dataset", facts(row(id), more)));
  act(() => el.querySelector<HTMLElement>(`[role=tab][id$="-${name}"]`)?.click());
  await pass();
}

export function alert(): string {
  return [...el.querySelectorAll('[role="alert"]')].map((node) => node.textContent).join("\n");
}

export function choose(select: HTMLSelectElement | null, value: string): void {
  if (!select) throw new Error("no select");
  select.value = value;
  act(() => void select.dispatchEvent(new Event("change", { bubbles: true })));
}

export function drop(...files: File[]): void {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.assign(event, { dataTransfer: { files, types: ["Files"] } });
  act(() => void el.querySelector(".nbt-datasets")?.dispatchEvent(event));
}

/** Each test has a page of its own, and a clock that stands. */
export function onFreshPages(): void {
  beforeEach(() => {
    shown.length = 0;
    stopTheClock();
  });

  afterEach(() => {
    act(() => close());
    vi.useRealTimers();
  });
}
