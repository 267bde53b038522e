import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ControlPanel } from "../src/control_panel/panel";
import type { Preset, RunState } from "../src/shared/wire";
import { button, draw, FakeModel, field, RUN, type } from "./fake";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

const FIELDS = [
  field("epochs", { type: "int", default: 10, min: 1, max: 100, form_min: 1, form_max: 100, step: null, live: true }),
  field("optimizer", { type: "choice", default: "adamw", choices: ["adamw", "sgd"], min: null, max: null }),
  field("momentum", { default: 0.9, needs: { optimizer: ["sgd"] } }),
  field("learning_rate", { group: "optimization", default: 0.001, live: true }),
  field("seed", { type: "int", group: "optimization", default: 0, advanced: true }),
];
const PRESETS: Preset[] = [
  { name: "fast", recommended: false, options: { epochs: 5 } },
  { name: "careful", recommended: true, options: { epochs: 20, optimizer: "sgd" } },
];
const WORDS = {
  "problem.count.one": "{count} wrong",
  "problem.count.other": "{count} wrong",
  "error.gone": "The kernel went away.",
  "kernel.gone": "Kernel is gone",
  "kernel.busy": "Kernel is busy",
  "form.reset": "Back to {value}",
};

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

function open(traits: Record<string, unknown> = {}): void {
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

function show(state: Partial<RunState> | null = {}): void {
  act(() => (state ? model.snapshot({ ...RUN, ...state }) : model.snapshot()));
}

/** Lets promises and timers of up to `ms` happen. */
async function pass(ms = 0): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

function input(name: string): HTMLInputElement {
  const found = el.querySelector<HTMLInputElement>(`input[id$="-${name}"]`);
  if (!found) throw new Error(`no input for ${name}`);
  return found;
}

function messageOf(control: Element): string {
  const id = control.getAttribute("aria-describedby");
  return (id && el.querySelector(`#${CSS.escape(id)}`)?.textContent) || "";
}

async function press(label: string): Promise<void> {
  act(() => button(el, label).click());
  await pass();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

describe("the form", () => {
  it("starts a run with the options that are on it, and waits for the trainer", async () => {
    open();
    show(null);
    await press("button.start");
    expect(model.last("start").options).toEqual({ epochs: 10, optimizer: "adamw", learning_rate: 0.001, seed: 0 });
    expect(button(el, "button.start.waiting").disabled).toBe(true);
    model.accept("start", { run: "r1" });
    await pass();
    expect(button(el, "button.start.waiting").disabled).toBe(true);
    show({ state: "preparing" });
    await pass();
    expect(button(el, "button.pause").disabled).toBe(false);
  });

  it("shows a field once what it needs is chosen", async () => {
    open();
    show(null);
    expect(() => input("momentum")).toThrow();
    const choice = el.querySelector<HTMLSelectElement>('select[id$="-optimizer"]');
    if (!choice) throw new Error("no optimizer");
    choice.value = "sgd";
    act(() => void choice.dispatchEvent(new Event("change", { bubbles: true })));
    expect(input("momentum").value).toBe("0.9");
    await press("button.start");
    expect(model.last("start").options).toMatchObject({ optimizer: "sgd", momentum: 0.9 });
  });

  it("asks for a check a moment after the last digit, and shows each problem at its field", async () => {
    open();
    show(null);
    act(() => type(input("epochs"), "50"));
    await pass(100);
    act(() => type(input("epochs"), "500"));
    await pass(299);
    expect(model.of("check")).toHaveLength(0);
    await pass(1);
    expect(model.of("check")).toHaveLength(1);
    expect(model.last("check").options).toMatchObject({ epochs: 500 });
    model.refuse("check", {
      kind: "ConfigError",
      message: "x",
      problems: [{ field: "epochs", message: "at most 100" }],
    });
    await pass();
    expect(input("epochs").getAttribute("aria-invalid")).toBe("true");
    expect(messageOf(input("epochs"))).toBe("at most 100");
    expect(el.textContent).toContain("1 wrong");
    act(() => type(input("epochs"), "50"));
    await pass(300);
    model.accept("check");
    await pass();
    expect(input("epochs").getAttribute("aria-invalid")).toBeNull();
  });

  it("takes the newest answer when checks overtake each other", async () => {
    open();
    show(null);
    act(() => type(input("epochs"), "500"));
    await pass(300);
    const first = model.last("check").id;
    act(() => type(input("epochs"), "50"));
    await pass(300);
    model.accept("check");
    await pass();
    const error = { kind: "ConfigError", message: "x", problems: [{ field: "epochs", message: "at most 100" }] };
    model.message({ type: "reply", id: first, ok: false, error });
    await pass();
    expect(input("epochs").getAttribute("aria-invalid")).toBeNull();
  });

  it("does not let a check from before wipe out what a refused start found", async () => {
    open();
    show(null);
    act(() => type(input("epochs"), "50"));
    await pass(300);
    await press("button.start");
    const problems = [{ field: "epochs", message: "not with this data" }];
    model.refuse("start", { kind: "ConfigError", message: "x", problems });
    await pass();
    model.accept("check");
    await pass();
    expect(messageOf(input("epochs"))).toBe("not with this data");
  });

  it("cannot start with text that is no number", async () => {
    open();
    show(null);
    act(() => type(input("epochs"), "ten"));
    await pass();
    expect(button(el, "button.start").disabled).toBe(true);
    expect(messageOf(input("epochs"))).toBe("problem.not_a_number");
    await press("Back to 10");
    expect(input("epochs").value).toBe("10");
    expect(button(el, "button.start").disabled).toBe(false);
  });

  it("can start when the text that is no number went out of sight", async () => {
    open();
    show(null);
    const choose = (value: string): void => {
      const choice = el.querySelector<HTMLSelectElement>('select[id$="-optimizer"]');
      if (!choice) throw new Error("no optimizer");
      choice.value = value;
      act(() => void choice.dispatchEvent(new Event("change", { bubbles: true })));
    };
    choose("sgd");
    act(() => type(input("momentum"), "much"));
    expect(button(el, "button.start").disabled).toBe(true);
    choose("adamw");
    expect(button(el, "button.start").disabled).toBe(false);
    expect(el.textContent).not.toContain("1 wrong");
  });

  it("opens the group that a refused start points into, hidden fields included", async () => {
    open();
    show(null);
    expect(() => input("seed")).toThrow();
    await press("button.start");
    const problems = [
      { field: "seed", message: "not below 0" },
      { field: "data", message: "the data is empty" },
    ];
    model.refuse("start", { kind: "ConfigError", message: "x", problems });
    await pass();
    expect(messageOf(input("seed"))).toBe("not below 0");
    expect(el.textContent).toContain("the data is empty");
    expect(button(el, "button.start").disabled).toBe(false);
  });

  it("fills in a preset, marks the recommended one, and says which is chosen", () => {
    open();
    show(null);
    const radios = [...el.querySelectorAll<HTMLInputElement>('input[type="radio"]')];
    expect(radios.map((radio) => radio.value)).toEqual(["careful", "fast"]);
    expect(radios[0]?.closest("label")?.textContent).toContain("form.recommended");
    act(() => radios[0]?.click());
    expect(input("epochs").value).toBe("20");
    expect(input("momentum").value).toBe("0.9");
    expect(radios[0]?.checked).toBe(true);
    act(() => type(input("epochs"), "21"));
    expect(radios[0]?.checked).toBe(false);
  });

  it("asks again what there is when the kernel is back, and leaves no error standing", async () => {
    open({ setup: { fields: FIELDS, presets: [], bound: false } });
    show(null);
    await pass(4000);
    expect(el.textContent).toContain("Kernel is gone");
    act(() => model.beat());
    await pass();
    expect(el.textContent).not.toContain("gone");
    expect(el.querySelector("[role=alert]")).toBeNull();
    expect(model.of("subjects")).toHaveLength(2);
  });

  it("asks which model and data, where they were not handed in", async () => {
    open({ setup: { fields: FIELDS, presets: [], bound: false } });
    show(null);
    await pass();
    const subjects = [
      { name: "net", kind: "model", text: "Sequential", recipes: null },
      { name: "digits", kind: "data", text: "DataFrame", recipes: null },
      { name: "iris", kind: "data", text: "DataFrame", recipes: null },
    ];
    model.accept("subjects", { subjects });
    await pass();
    expect(button(el, "button.start").disabled).toBe(true);
    expect(el.textContent).toContain("subjects.needed");
    const [, data] = el.querySelectorAll("select");
    if (!data) throw new Error("no chooser of data");
    data.value = "digits";
    act(() => void data.dispatchEvent(new Event("change", { bubbles: true })));
    expect(el.textContent).not.toContain("subjects.needed");
    await press("button.start");
    expect(model.last("start")).toMatchObject({ model: "net", data: "digits" });
  });
});

describe("commands", () => {
  it("say that they wait until the trainer's own state arrives", async () => {
    open();
    show();
    await press("button.pause");
    expect(button(el, "button.pause.waiting").disabled).toBe(true);
    expect(button(el, "button.stop").disabled).toBe(true);
    model.accept("pause");
    await pass();
    expect(button(el, "button.pause.waiting").disabled).toBe(true);
    show({ state: "paused", stage: "paused" });
    await pass();
    expect(button(el, "button.resume").disabled).toBe(false);
  });

  it("that are refused give the button back and show why", async () => {
    open();
    show();
    await press("button.pause");
    model.refuse("pause", { kind: "CommandError", message: "The run has finished." });
    await pass();
    expect(button(el, "button.pause").disabled).toBe(false);
    expect(el.querySelector('[role="alert"]')?.textContent).toContain("The run has finished.");
    await press("button.dismiss");
    expect(el.querySelector('[role="alert"]')).toBeNull();
  });

  it("stop only after one question, with the harmless answer focused", async () => {
    open();
    show();
    await press("button.stop");
    expect(model.of("stop")).toHaveLength(0);
    expect(document.activeElement).toBe(button(el, "stop.keep"));
    await press("stop.keep");
    expect(model.of("stop")).toHaveLength(0);
    await press("button.stop");
    await press("stop.confirm");
    expect(model.of("stop")).toHaveLength(1);
    expect(button(el, "button.stop.waiting").disabled).toBe(true);
  });

  it("forget the question when Escape is pressed or the run ends by itself", async () => {
    open();
    show();
    await press("button.stop");
    const question = el.querySelector('[role="alertdialog"]');
    act(() => void question?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })));
    expect(el.querySelector('[role="alertdialog"]')).toBeNull();
    await press("button.stop");
    show({ state: "finished", stage: "ready" });
    await pass();
    show({ run: "r2" });
    await pass();
    expect(el.querySelector('[role="alertdialog"]')).toBeNull();
  });

  it("have one primary button in every state", async () => {
    open();
    show(null);
    for (const state of ["preparing", "running", "paused", "finished", "stopped", "failed"] as const) {
      show({ state });
      await pass();
      expect(el.querySelectorAll(".nbt-actions .nbt-button-primary"), state).toHaveLength(1);
    }
  });

  it("offer nothing to save or resume where the loop is the user's own", async () => {
    open();
    show({ state: "running", own_loop: true });
    await pass();
    expect(() => button(el, "button.save")).toThrow();
    expect(button(el, "button.stop").disabled).toBe(false);
    for (const state of ["stopped", "failed"] as const) {
      show({ state, own_loop: true });
      await pass();
      expect(() => button(el, "button.resume_run")).toThrow();
      expect(button(el, "button.new_run").disabled).toBe(false);
    }
  });

  it("go on from the checkpoint of the run on show", async () => {
    open();
    show({ state: "failed", stage: "burnt", error: { kind: "DataError", message: "bad row 7" } });
    expect(el.querySelector('[role="alert"]')?.textContent).toContain("bad row 7");
    await press("button.resume_run");
    expect(model.last("resume_run").run).toBe("r1");
  });

  it("show the run that was started, among several", async () => {
    open();
    act(() => model.snapshot({ ...RUN, run: "old", name: "old run" }, { ...RUN, run: "new", name: "new run" }));
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe("new run");
    act(() =>
      model.push({ type: "delta", series: [], states: [{ ...RUN, run: "new", name: "new run", state: "finished" }] }),
    );
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe("old run");
  });
});

describe("live edits", () => {
  it("are offered for what is live, one by one, and show the present value", async () => {
    open();
    show({ live: { learning_rate: 0.001 } });
    const inputs = [...el.querySelectorAll<HTMLInputElement>(".nbt-live-edits .nbt-input-number")];
    expect(inputs).toHaveLength(1);
    const [rate] = inputs;
    if (!rate) throw new Error("no learning rate");
    act(() => type(rate, "0.01"));
    await press("button.apply");
    expect(model.last("edit").changes).toEqual({ learning_rate: 0.01 });
    const problems = [{ field: "learning_rate", message: "too high" }];
    model.refuse("edit", { kind: "ConfigError", message: "x", problems });
    await pass();
    expect(messageOf(rate)).toBe("too high");
    await press("button.apply");
    model.accept("edit");
    show({ live: { learning_rate: 0.01 } });
    await pass();
    expect(() => button(el, "button.apply")).toThrow();
    expect(rate.value).toBe("0.01");
  });
});

describe("trouble", () => {
  it("greys the panel out when the kernel is gone, and comes back", async () => {
    open();
    show();
    await pass(4000);
    expect(el.textContent).toContain("Kernel is gone");
    expect(el.querySelector(".nbt-gone")).not.toBeNull();
    expect(button(el, "button.pause").disabled).toBe(true);
    show();
    await pass();
    expect(el.querySelector(".nbt-gone")).toBeNull();
  });

  it("says that the kernel is busy when a command waits", async () => {
    open();
    show();
    await press("button.pause");
    await pass(1600);
    expect(el.textContent).toContain("Kernel is busy");
  });

  it("of a broken component is shown in the frame", async () => {
    open();
    act(() => model.snapshot({ ...RUN, chef: null as unknown as RunState["chef"] }));
    await pass();
    expect(el.querySelector('[role="alert"]')?.textContent).toMatch(/null/);
    expect(console.error).toHaveBeenCalled();
  });
});

describe("text from outside", () => {
  it("stays text", async () => {
    const hostile = '<img src=x onerror="window.hacked=true"><script>window.hacked=true</script>{step}';
    const names = field(hostile, { default: hostile, type: "text" });
    open({ setup: { fields: [names], presets: [{ name: hostile, recommended: true, options: {} }], bound: false } });
    show(null);
    await pass();
    model.accept("subjects", { subjects: [{ name: hostile, kind: "model", text: hostile, recipes: null }] });
    await pass();
    expect(el.querySelector("option:last-of-type")?.textContent).toContain(hostile);
    act(() => model.change("setup", { ...(model.get("setup") as object), bound: true }));
    await press("button.start");
    model.refuse("start", { kind: hostile, message: hostile, problems: [{ field: hostile, message: hostile }] });
    await pass();
    show({
      name: hostile,
      state: "failed",
      reason: hostile,
      error: { kind: hostile, message: hostile },
      resumed: { exact: false, reasons: [hostile] },
      chef: { key: hostile, args: { step: hostile } },
    });
    await pass();
    expect(el.querySelectorAll("img, script")).toHaveLength(0);
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe(hostile);
    expect(el.querySelector(".nbt-outcome-error")?.textContent).toContain(hostile);
    expect((window as unknown as { hacked?: boolean }).hacked).toBeUndefined();
  });
});

describe("a dataset or a model that another panel chose", () => {
  it("is chosen in the form, though it is newer than the list", async () => {
    open({ setup: { fields: FIELDS, presets: PRESETS, bound: false } });
    show(null);
    await pass();
    model.accept("subjects", { subjects: [] });
    await pass();
    expect(el.textContent).toContain("subjects.data.none");
    act(() => model.change("offered", { data: "dataset:rows", last: "data", count: 1 }));
    await pass();
    const names = ["dataset:others", "dataset:rows"];
    model.accept("subjects", {
      subjects: names.map((name) => ({ name, kind: "data", text: "dataset", recipes: null })),
    });
    await pass();
    expect(el.querySelector<HTMLSelectElement>(".nbt-choosers select")?.value).toBe("dataset:rows");
  });

  it("leaves what was chosen of the other kind as it is", async () => {
    open({ setup: { fields: FIELDS, presets: PRESETS, bound: false } });
    show(null);
    act(() => model.change("offered", { data: "dataset:a", model: "model:b", last: "model", count: 2 }));
    await pass();
    const all = ["dataset:a", "dataset:c", "model:b", "model:d"];
    model.accept("subjects", {
      subjects: all.map((name) => ({
        name,
        kind: name.startsWith("model") ? "model" : "data",
        text: "",
        recipes: null,
      })),
    });
    await pass();
    const values = [...el.querySelectorAll<HTMLSelectElement>(".nbt-choosers select")].map(({ value }) => value);
    expect(values).toEqual(["model:b", ""]);
  });
});

describe("options that another panel suggests", () => {
  it("are set in the form, and what was typed stays as it is", async () => {
    open();
    show(null);
    act(() => type(input("epochs"), "7"));
    await pass();
    act(() => model.change("suggested", { options: { seed: 3 }, count: 1 }));
    await press("button.start");
    expect(model.last("start").options).toMatchObject({ epochs: 7, seed: 3 });
  });
});

describe("warnings", () => {
  it("are said once, also where one is the reason", async () => {
    open();
    show({ state: "paused", reason: "The disk is full.", warnings: ["Nothing is validated.", "The disk is full."] });
    await pass();
    const said = el.querySelector(".nbt-run-side")?.textContent ?? "";
    expect(said).toContain("Nothing is validated.");
    expect(said.split("The disk is full.")).toHaveLength(2);
  });
});

describe("the language", () => {
  it("changes live, with the direction", () => {
    open();
    show(null);
    const root = el.querySelector<HTMLElement>(".nbt");
    expect(root?.dir).toBe("ltr");
    act(() => {
      model.change("words", { ...WORDS, "button.start": "شروع" });
      model.change("language", "fa");
      model.change("direction", "rtl");
    });
    expect(button(el, "شروع")).toBeTruthy();
    expect(root?.dir).toBe("rtl");
    expect(root?.lang).toBe("fa");
    act(() => model.change("language", "ru"));
    expect(root?.lang).toBe("ru");
    act(() => model.change("direction", "ltr"));
    expect(root?.dir).toBe("ltr");
  });
});
