/** The train panel on a page, with a form of a few options. */

import { act } from "preact/test-utils";
import { afterEach, beforeEach, vi } from "vitest";
import { ControlPanel } from "../src/control_panel/panel";
import type { Preset, RunState } from "../src/shared/wire";
import { button, draw, FakeModel, field, RUN } from "./fake";
import { pass, stopTheClock } from "./page";

export const FIELDS = [
  field("epochs", { type: "int", default: 10, min: 1, max: 100, form_min: 1, form_max: 100, step: null, live: true }),
  field("optimizer", { type: "choice", default: "adamw", choices: ["adamw", "sgd"], min: null, max: null }),
  field("momentum", { default: 0.9, needs: { optimizer: ["sgd"] } }),
  field("learning_rate", { group: "optimization", default: 0.001, live: true }),
  field("seed", { type: "int", group: "optimization", default: 0, advanced: true }),
];
export const PRESETS: Preset[] = [
  { name: "fast", recommended: false, options: { epochs: 5 } },
  { name: "careful", recommended: true, options: { epochs: 20, optimizer: "sgd" } },
];
export const WORDS = {
  "problem.count.one": "{count} wrong",
  "problem.count.other": "{count} wrong",
  "error.gone": "The kernel went away.",
  "kernel.gone": "Kernel is gone",
  "kernel.busy": "Kernel is busy",
  "form.reset": "Back to {value}",
};

export let model: FakeModel;
export let el: HTMLElement;
export let close: () => void;

export function open(traits: Record<string, unknown> = {}): void {
  model = new FakeModel({
    words: WORDS,
    language: "en",
    direction: "ltr",
    setup: { fields: FIELDS, presets: PRESETS, bound: true },
    ...traits,
  });
  act(() => {
    ({ el, close } = draw(ControlPanel, model));
  });
}

export function show(state: Partial<RunState> | null = {}): void {
  act(() => (state ? model.snapshot({ ...RUN, ...state }) : model.snapshot()));
}

export function input(name: string): HTMLInputElement {
  const found = el.querySelector<HTMLInputElement>(`input[id$="-${name}"]`);
  if (!found) throw new Error(`no input for ${name}`);
  return found;
}

/** What is heard of a control first. */
export function messageOf(control: Element): string {
  const [id] = control.getAttribute("aria-describedby")?.split(" ") ?? [];
  return (id && el.querySelector(`#${CSS.escape(id)}`)?.textContent) || "";
}

export async function press(label: string): Promise<void> {
  act(() => button(el, label).click());
  await pass();
}

/** Each test has a page of its own, and a clock that stands. */
export function onFreshPages(): void {
  beforeEach(() => {
    stopTheClock();
  });

  afterEach(() => {
    act(() => close());
    vi.useRealTimers();
  });
}
