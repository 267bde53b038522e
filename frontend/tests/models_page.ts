/** The models panel on a page, and what Python tells it. */

import { act } from "preact/test-utils";
import { afterEach, beforeEach, vi } from "vitest";
import { Models } from "../src/models/panel";
import type { ModelFacts, ModelRow, VersionView } from "../src/models/wire";
import type { TaskState } from "../src/shared/wire";
import { button, draw, FakeModel } from "./fake";
import { pass, reply, stopTheClock } from "./page";

export const NOW = 1_800_000_000;

export function row(id: string, more: Partial<ModelRow> = {}): ModelRow {
  return {
    id,
    name: id,
    architecture: "mlp",
    format: "architecture",
    task: "tabular-classification",
    category: "",
    tags: [],
    parameters: 1234,
    bytes: 4096,
    created: NOW - 90_000,
    updated: NOW - 3600,
    versions: 1,
    stage: "none",
    metric: null,
    source: "run",
    source_args: { name: "r1" },
    ...more,
  };
}

export function version(number: number, more: Partial<VersionView> = {}): VersionView {
  return {
    number,
    stage: "none",
    created: NOW,
    bytes: 4096,
    parameters: 1234,
    format: "architecture",
    architecture: "mlp",
    metrics: [{ name: "accuracy", value: 0.9 }],
    labels: ["no", "yes"],
    data: "",
    options: {},
    source: "run",
    source_args: { name: "r1" },
    note: "",
    files: [{ path: "model.safetensors", size: 4096, safe: true }],
    exports: ["safetensors", "onnx"],
    tryable: true,
    ...more,
  };
}

export function facts(of: ModelRow, more: Partial<ModelFacts> = {}): ModelFacts {
  return { row: of, versions: [version(1)], folder: "/w/models/m", running: {}, ...more };
}

export function task(id: string, more: Partial<TaskState> = {}): TaskState {
  const plain = { kind: "model_import", title: "a.pt", phase: "running" as const, done: 50, total: 100, unit: "bytes" };
  return { task: id, seconds: 0, error: null, ...plain, ...more };
}

export const WORDS = {
  "models.found.other": "{count} of {all}",
  "models.said.deleted": "{name} was deleted",
  "models.said.restored": "{name} is back",
  "models.said.exported": "{name} → {path}",
  "models.said.use_code": "Run {code}",
  "models.export.difference": "difference {value}",
  "models.ask.convert": "{name} is a pickle",
  "model_source.run": "from {name}",
  "model_source.hub": "from {repository} at {revision}",
};

export let model: FakeModel;
export let el: HTMLElement;
export let close: () => void;

export function tell(...tasks: TaskState[]): void {
  act(() => model.push({ type: "delta", states: [], series: [], tasks }));
}

export interface Opening {
  rows?: ModelRow[];
  total?: number;
  count?: number;
  tasks?: TaskState[];
  dismissed?: string[];
}

export async function page({
  rows = [row("a"), row("b")],
  total = rows.length,
  count = total,
}: Opening = {}): Promise<void> {
  await reply(() => model.accept("models", { rows, total, count, categories: ["vision"], tags: ["v1"] }));
}

/** The panel as it stands before Python has said anything. */
export async function appear(): Promise<void> {
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: { chunk: 4 } });
  act(() => {
    ({ el, close } = draw(Models, model));
  });
  await pass();
}

export async function open(opening: Opening = {}): Promise<void> {
  await appear();
  act(() => model.push({ type: "snapshot", states: [], series: [], tasks: opening.tasks ?? [] }));
  await reply(() => model.accept("uploads", { uploads: [], dismissed: opening.dismissed ?? [] }));
  await reply(() => model.accept("downloads", { downloads: [] }));
  await page(opening);
}

/** Opens the model with this name, whose facts come. */
export async function choose(name: string, more: Partial<ModelFacts> = {}, of: Partial<ModelRow> = {}): Promise<void> {
  act(() => [...el.querySelectorAll<HTMLElement>("[role=option]")].find((e) => e.textContent?.includes(name))?.click());
  await pass();
  const id = String(model.last("facts").model);
  await reply(() => model.accept("facts", facts(row(id, of), more)));
}

export function drop(where: string): void {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  const files = [new File(["0123"], "a.safetensors", { lastModified: 7 })];
  Object.assign(event, { dataTransfer: { files, types: ["Files"] } });
  act(() => void el.querySelector(where)?.dispatchEvent(event));
}

export async function press(label: string, within: Element = el): Promise<void> {
  act(() => button(within, label).click());
  await pass();
}

export function key(target: Element | null, name: string): void {
  act(() => void target?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true })));
}

export function select(name: string, value: string, within: Element | null = el): void {
  const found = within?.querySelector<HTMLSelectElement>(`select[aria-label="${name}"], select[id$="${name}"]`);
  if (!found) throw new Error(`no select ${name}`);
  found.value = value;
  act(() => void found.dispatchEvent(new Event("change", { bubbles: true })));
}

export const toast = () => el.querySelector(".nbt-toast")?.textContent?.replace(/[\u2068\u2069]/g, "") ?? "";
export const alert = () => [...el.querySelectorAll('[role="alert"]')].map((node) => node.textContent).join("\n");
export const names = () => [...el.querySelectorAll(".nbt-model-name")].map((node) => node.textContent);

/** Each test has a page of its own, and a clock that stands. */
export function onFreshPages(): void {
  beforeEach(() => {
    stopTheClock(NOW * 1000);
    localStorage.clear();
  });

  afterEach(() => {
    act(() => close());
    vi.useRealTimers();
  });
}
