import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ControlPanel } from "../src/control_panel/panel";
import type { Field, RunState } from "../src/shared/wire";
import { button, draw, FakeModel, field, RUN, type Sent, type } from "./fake";
import { labelled as choiceBelow, choose, press as click, control as find, pass, stopTheClock } from "./page";
import { FIELDS, SUBJECTS, traits } from "./recipe_form";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

function open(bound = true, more: readonly Field[] = []): void {
  model = new FakeModel(traits(bound));
  model.traits.setup = { ...(model.traits.setup as object), fields: [...FIELDS, ...more] };
  act(() => {
    ({ el, close } = draw(ControlPanel, model));
  });
}

async function show(state: Partial<RunState> | null = null): Promise<void> {
  act(() => (state ? model.snapshot({ ...RUN, ...state }) : model.snapshot()));
  await pass();
}

const control = <T extends HTMLElement>(name: string): T => find<T>(el, name);
const labelled = (label: string): HTMLSelectElement => choiceBelow(el, label);
const press = (label: string): Promise<void> => click(el, label);
const pick = (recipe: string): void => choose(control<HTMLSelectElement>("recipe"), recipe);
/** Presses Start; what was sent, and the form is back for another. */
async function started(): Promise<Sent> {
  await press("button.start");
  const request = model.last("start");
  model.refuse("start", { kind: "CommandError", message: "not now" });
  await pass();
  return request;
}

const heads = (): string[] => [...el.querySelectorAll(".nbt-group h3")].map(({ textContent }) => textContent ?? "");

async function sent(): Promise<unknown> {
  return (await started()).options;
}

beforeEach(() => stopTheClock());

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

describe("the recipe", () => {
  it("left to Python sends only what was changed, so that the recipe's own defaults stand", async () => {
    open();
    await show();
    expect(() => control("window")).toThrow();
    act(() => type(control<HTMLInputElement>("epochs"), "7"));
    expect(await sent()).toEqual({ recipe: "auto", epochs: 7 });
  });

  it("has a teacher's options where one is of use, what it teaches once it is named, and at their place", async () => {
    const some = { group: "distillation", recipes: ["auto", "timeseries"] };
    const teacher = field("teacher", { ...some, type: "text", default: null, optional: true, min: null, max: null });
    open(true, [teacher, field("alpha", { ...some, default: 0.5, needs: { teacher: [] } })]);
    await show();
    await press("group.distillation");
    expect(() => control("alpha")).toThrow();
    choose(control("teacher"), " other");
    act(() => type(control<HTMLInputElement>("teacher-typed"), "large"));
    act(() => type(control<HTMLInputElement>("alpha"), "0.7"));
    expect(await sent()).toEqual({ recipe: "auto", teacher: "large", alpha: 0.7 });
    pick("speech");
    expect(() => control("teacher")).toThrow();
    expect(() => control("alpha")).toThrow();
    pick("timeseries");
    expect(await sent()).toMatchObject({ teacher: "large", alpha: 0.7 });
    expect(heads().at(-1)).toContain("group.distillation");
    choose(control("teacher"), "");
    expect(() => control("alpha")).toThrow();
    expect(await sent()).not.toHaveProperty("alpha");
  });

  it("that is chosen brings its options and defaults, and leaves what was changed", async () => {
    open();
    await show();
    act(() => type(control<HTMLInputElement>("epochs"), "7"));
    pick("timeseries");
    expect(control<HTMLInputElement>("epochs").value).toBe("7");
    expect(control<HTMLInputElement>("learning_rate").value).toBe("0.00005");
    expect(
      control<HTMLInputElement>("learning_rate").closest(".nbt-field")?.querySelector(".nbt-advice"),
    ).toBeDefined();
    expect(await sent()).toEqual({
      recipe: "timeseries",
      epochs: 7,
      learning_rate: 0.00005,
      multi_gpu: 0,
      patience: 20,
      window: 64,
    });
    pick("custom");
    expect(await sent()).toEqual({ recipe: "custom", epochs: 7, learning_rate: 0.001, multi_gpu: 0, patience: 3 });
  });

  it("has options that follow another option", async () => {
    open();
    await show();
    pick("speech");
    expect(await sent()).toMatchObject({ level: "normal", learning_rate: 0.0001 });
    choose(control<HTMLSelectElement>("level"), "basic");
    expect(await sent()).toMatchObject({ level: "basic", learning_rate: 0.00001 });
  });

  it("has sliders that reach its own values, and shows what it sets among the options of everybody", async () => {
    open();
    await show();
    expect(() => control("patience")).toThrow();
    pick("timeseries");
    expect(control<HTMLInputElement>("patience").value).toBe("20");
    const slider = control("patience").closest(".nbt-field")?.querySelector<HTMLInputElement>("input[type=range]");
    act(() => type(control<HTMLInputElement>("patience"), "2"));
    if (slider) act(() => type(slider, slider.max));
    expect(await sent()).toMatchObject({ patience: 20 });
  });

  it("has its own options behind the first, and open", async () => {
    open();
    await show();
    expect(heads()).toEqual(["group.loop", "group.devices"]);
    pick("timeseries");
    expect(heads()).toEqual(["group.loop", "group.series", "group.devices"]);
    expect(control<HTMLInputElement>("window").value).toBe("64");
    await press("group.devices");
    expect(control<HTMLInputElement>("multi_gpu").value).toBe("0"); // nothing there is for everybody, so all is shown
  });

  it("is itself the recommended start, and a way back to it", async () => {
    open();
    await show();
    const presets = (): (string | null)[] =>
      [...el.querySelectorAll(".nbt-preset label")].map((each) => each.textContent);
    pick("custom");
    expect(presets()).toEqual(["preset.fastform.recommended"]);
    pick("timeseries");
    expect(presets()).toEqual(["form.ownform.recommended", "preset.fast"]);
    const own = (): HTMLInputElement | null => el.querySelector('input[value="recipe"]');
    expect(own()?.checked).toBe(true);
    act(() => type(control<HTMLInputElement>("epochs"), "7"));
    expect(own()?.checked).toBe(false);
    act(() => own()?.click());
    expect(await sent()).toMatchObject({ recipe: "timeseries", epochs: 150 });
  });

  it("stays when a preset goes over it", async () => {
    open();
    await show();
    pick("timeseries");
    const preset = el.querySelector<HTMLInputElement>('input[value="fast"]');
    act(() => preset?.click());
    expect(el.querySelector<HTMLInputElement>('input[value="fast"]')?.checked).toBe(true);
    expect(await sent()).toEqual({
      recipe: "timeseries",
      epochs: 5,
      learning_rate: 0.00005,
      multi_gpu: 0,
      patience: 20,
      window: 64,
    });
  });
});

describe("models and columns", () => {
  it("need no model where the recipe recommends one, though there is none", async () => {
    open(false);
    await show();
    model.accept("subjects", { subjects: SUBJECTS.filter(({ name }) => name !== "net") });
    await pass();
    pick("custom");
    expect(el.textContent).toContain("subjects.model.none");
    pick("speech");
    expect(el.textContent).not.toContain("subjects.model.none");
    expect([...labelled("subjects.model").options].map(({ text }) => text)).toEqual(["subjects.recommended"]);
    expect(await started()).not.toHaveProperty("model");
  });

  it("are those of the recipe, which also recommends a model", async () => {
    open(false);
    await show();
    model.accept("subjects", { subjects: SUBJECTS });
    await pass();
    expect(labelled("subjects.model").value).toBe("net");
    pick("timeseries");
    expect([...labelled("subjects.model").options].map(({ value }) => value)).toEqual(["", "net", "architecture:tcn"]);
    expect(labelled("subjects.model").value).toBe("");
    expect(await started()).toMatchObject({ data: "dataset:prices" });
    expect(model.last("start")).not.toHaveProperty("model");
  });

  it("are told anew in another language", async () => {
    open(false);
    await show();
    expect(model.of("subjects")).toHaveLength(1);
    act(() => model.change("language", "fa"));
    await pass();
    expect(model.of("subjects")).toHaveLength(2);
  });

  it("are sent with Start, as far as the recipe asks for them", async () => {
    open(false);
    await show();
    model.accept("subjects", { subjects: SUBJECTS });
    await pass();
    expect(model.last("columns").data).toBe("dataset:prices");
    const hostile = "<img src=x>";
    model.accept("columns", { columns: ["label", "day", hostile].map((name) => ({ name, kind: "" })) });
    await pass();
    pick("timeseries");
    choose(labelled("columns.target"), "label");
    choose(labelled("columns.time"), "day");
    act(() => el.querySelector<HTMLInputElement>(".nbt-features input")?.click());
    expect(el.querySelectorAll(".nbt-features img")).toHaveLength(0);
    expect((await started()).columns).toEqual({ target: "label", time: "day", features: [hostile] });
    choose(labelled("columns.time"), hostile); // so it is nothing to learn from any more
    expect((await started()).columns).toEqual({ target: "label", time: hostile });
    pick("auto");
    expect((await started()).columns).toEqual({ target: "label" });
    pick("speech");
    expect(await started()).not.toHaveProperty("columns");
  });
});

describe("what will happen", () => {
  const FORESEEN = {
    model: "TCN",
    recipe: "timeseries",
    parameters: 1234,
    rows: { train: 70, validation: 30 },
    steps: 20,
    seconds: 3,
    memory: 2048,
    device: "RAM",
    free: 1024,
    notes: ["A note."],
  };

  it("is found out when it is asked, and forgotten when the form says something else", async () => {
    open();
    await show();
    await press("foreseen.look");
    expect(model.last("foresee").options).toEqual({ recipe: "auto" });
    model.accept("foresee", { task: "task-1" });
    await pass();
    await pass(400);
    model.accept("foreseen", { task: "task-1", foreseen: null });
    await pass();
    await pass(400);
    expect(model.of("foreseen")).toHaveLength(2);
    model.accept("foreseen", { task: "task-1", foreseen: FORESEEN });
    await pass();
    const told = el.querySelector(".nbt-forecast")?.textContent ?? "";
    for (const part of ["TCN", "1,234", "20", "A note."]) expect(told).toContain(part);
    expect(el.querySelector(".nbt-forecast-tight")).not.toBeNull();
    act(() => type(control<HTMLInputElement>("epochs"), "3"));
    expect(el.querySelector(".nbt-forecast")?.textContent).toBe("foreseen.look");
  });

  it("that cannot be is said at the field", async () => {
    open();
    await show();
    await press("foreseen.look");
    model.accept("foresee", { task: "task-1" });
    await pass();
    await pass(400);
    const problems = [{ field: "epochs", message: "too many" }];
    model.refuse("foreseen", { kind: "ConfigError", message: "x", problems });
    await pass();
    expect(control<HTMLInputElement>("epochs").getAttribute("aria-invalid")).toBe("true");
    expect(button(el, "foreseen.look").disabled).toBe(false);
  });
});

describe("a run", () => {
  it("shows whether it is well, each figure with its range", async () => {
    open();
    await show({
      signs: [
        { name: "loss", value: 3, low: 1, high: 10, health: "good" },
        { name: "grad_norm", value: 7, low: 0, high: 1, health: "off" },
        { name: "kl", value: null, low: 0, high: 1, health: "bad" },
      ],
    });
    const rows = [...el.querySelectorAll<HTMLElement>(".nbt-signs li")];
    expect(rows.map(({ dataset }) => dataset.health)).toEqual(["good", "off", "bad"]);
    expect(rows.map(({ textContent }) => textContent)[2]).toContain("NaN");
  });

  it("shows the samples of its newest epoch, asked for once, and older ones when they are chosen", async () => {
    vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: () => "blob:x", revokeObjectURL: () => {} }));
    open();
    await show({ sampled: [1, 2] });
    expect(model.of("samples")).toHaveLength(1);
    expect(model.last("samples")).toMatchObject({ run: "r1", epoch: 2 });
    const text = new DataView(new TextEncoder().encode("سلام <b>").buffer);
    const samples = [
      { title: "once", kind: "text", mime: "text/plain" },
      { title: "face", kind: "image", mime: "image/png" },
      { title: "voice", kind: "audio", mime: "audio/wav" },
    ];
    const some = new DataView(new ArrayBuffer(4));
    model.message({ type: "reply", id: model.last("samples").id, ok: true, result: { epoch: 2, samples } }, [
      text,
      some,
      some,
    ]);
    await pass();
    expect(el.querySelector(".nbt-sample-text")?.textContent).toBe("سلام <b>");
    expect(el.querySelector(".nbt-sample-text")?.getAttribute("dir")).toBe("auto");
    expect(el.querySelector("audio")?.getAttribute("src")).toBe("blob:x");
    expect(el.querySelector(".nbt-sample-image img")?.getAttribute("alt")).toBe("face");
    await show({ sampled: [1, 2], step: 9 });
    expect(model.of("samples")).toHaveLength(1);
    choose(el.querySelector<HTMLSelectElement>(".nbt-samples select") as HTMLSelectElement, "1");
    await pass();
    expect(model.last("samples")).toMatchObject({ epoch: 1 });
    vi.unstubAllGlobals();
  });
});
