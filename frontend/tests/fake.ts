/** A model and a kernel that answer by hand, and a panel drawn with them. */

import type { ComponentType } from "preact";
import type { Callback, Host, KernelConnection, Model } from "../src/shared/model";
import { mount } from "../src/shared/mount";
import type { Field, RunState } from "../src/shared/wire";

export interface Sent {
  id: string;
  kind: string;
  [field: string]: unknown;
}

export class FakeModel implements Model {
  readonly sent: Sent[] = [];
  readonly handlers = new Map<string, Set<Callback>>();
  widget_manager: { kernel?: KernelConnection | null } = {};
  seq = 0;

  constructor(
    readonly traits: Record<string, unknown> = {},
    readonly id = "widget-1",
  ) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  /** As Backbone's: it gives back the model, here with the id that the proxy hides. */
  set(): unknown {
    return { model_id: this.id };
  }

  send(content: object): void {
    this.sent.push(content as Sent);
  }

  on(event: string, callback: Callback): void {
    const known = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, known.add(callback));
  }

  off(event: string, callback?: Callback): void {
    if (callback) this.handlers.get(event)?.delete(callback);
  }

  emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.handlers.get(event) ?? [])]) callback(...args);
  }

  change(name: string, value: unknown): void {
    this.traits[name] = value;
    this.emit(`change:${name}`);
  }

  message(content: object, buffers: DataView[] = []): void {
    this.emit("msg:custom", content, buffers);
  }

  /** The next numbered message. */
  push(content: object, buffers: DataView[] = []): void {
    this.seq += 1;
    this.message({ ...content, seq: this.seq }, buffers);
  }

  snapshot(...states: RunState[]): void {
    this.push({ type: "snapshot", states, series: [] });
  }

  beat(): void {
    this.push({ type: "beat" });
  }

  of(kind: string): Sent[] {
    return this.sent.filter((request) => request.kind === kind);
  }

  last(kind: string): Sent {
    const found = this.of(kind).at(-1);
    if (!found) throw new Error(`No ${kind} was sent; there were: ${this.sent.map((request) => request.kind)}`);
    return found;
  }

  accept(kind: string, result: unknown = null): void {
    this.message({ type: "reply", id: this.last(kind).id, ok: true, result });
  }

  refuse(kind: string, error: { kind: string; message: string; problems?: object[] }): void {
    this.message({ type: "reply", id: this.last(kind).id, ok: false, error: { problems: [], ...error } });
  }
}

export const RUN: RunState = {
  run: "r1",
  name: "digits",
  state: "running",
  stage: "boiling",
  reason: "",
  warnings: [],
  step: 1250,
  total_steps: 4000,
  epoch: 4,
  epochs: 10,
  progress: 0.3125,
  samples_per_second: 5321,
  seconds_left: 130,
  seconds: 61,
  heat: 0.8,
  bubbles: 0.5,
  chef: { key: "chef.falling", args: {} },
  error: null,
  resumed: null,
  parent: null,
  own_loop: false,
  live: { learning_rate: 0.001 },
  last: {},
  signs: [],
  sampled: [],
  colour: 0,
};

export function field(name: string, more: Partial<Field> = {}): Field {
  return {
    name,
    group: "loop",
    type: "float",
    default: 0.1,
    min: 0,
    max: 1,
    form_min: 0,
    form_max: 1,
    step: 0.1,
    scale: "linear",
    choices: null,
    unit: null,
    live: false,
    advanced: false,
    needs: null,
    recommended: 0.1,
    recipes: null,
    optional: false,
    ...more,
  };
}

export function floats(...values: number[]): DataView {
  return new DataView(Float32Array.from(values).buffer);
}

export function ints(...values: number[]): DataView {
  return new DataView(Int32Array.from(values).buffer);
}

/** Draws a panel into the page; `close` takes it off again. */
export function draw(Content: ComponentType, model: FakeModel, host?: Host) {
  const el = document.createElement("div");
  document.body.append(el);
  const dispose = mount(Content).render({ model, el, ...(host ? { host } : {}) });
  const close = (): void => {
    dispose();
    el.remove();
  };
  return { el, close };
}

export function button(el: Element, label: string): HTMLButtonElement {
  const found = [...el.querySelectorAll("button")].find(
    (candidate) => candidate.textContent === label || candidate.getAttribute("aria-label") === label,
  );
  if (!found)
    throw new Error(`No button "${label}"; there are: ${[...el.querySelectorAll("button")].map((b) => b.textContent)}`);
  return found;
}

export function type(input: HTMLInputElement, text: string): void {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
