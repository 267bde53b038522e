import { act } from "preact/test-utils";
import { describe, expect, it, vi } from "vitest";
import { el, FIELDS, input, messageOf, model, onFreshPages, open, PRESETS, press, show } from "./control_panel_page";
import { button, type } from "./fake";
import { choose, pass } from "./page";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

onFreshPages();

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

describe("a dataset or a model that another panel chose", () => {
  it("is chosen in the form, though it is newer than the list", async () => {
    open({ setup: { fields: FIELDS, presets: PRESETS, bound: false } });
    show(null);
    await pass();
    model.accept("subjects", { subjects: [] });
    await pass();
    expect(el.textContent).toContain("subjects.data.none");
    act(() => model.change("offered", { data: { name: "dataset:rows", count: 1 } }));
    await pass();
    const names = ["dataset:others", "dataset:rows"];
    model.accept("subjects", {
      subjects: names.map((name) => ({ name, kind: "data", text: "dataset", recipes: null })),
    });
    await pass();
    expect(el.querySelector<HTMLSelectElement>(".nbt-choosers select")?.value).toBe("dataset:rows");
  });

  it("leaves what was chosen of the other kind as it is, also when no page was open", async () => {
    const setup = { fields: FIELDS, presets: PRESETS, bound: false };
    const tell = async (): Promise<void> => {
      const all = ["dataset:a", "dataset:c", "model:b", "model:d"].map((name) => {
        return { name, kind: name.startsWith("model") ? "model" : "data", text: "", recipes: null };
      });
      model.accept("subjects", { subjects: all });
      await pass();
    };
    const values = (): string[] =>
      [...el.querySelectorAll<HTMLSelectElement>(".nbt-choosers select")].map(({ value }) => value);
    open({ setup });
    show(null);
    const offered = { model: { name: "model:b", count: 1 } };
    act(() => model.change("offered", offered));
    await tell();
    expect(values()).toEqual(["model:b", ""]);
    const [choice] = el.querySelectorAll<HTMLSelectElement>(".nbt-choosers select");
    if (choice) choose(choice, "model:d");
    act(() => model.change("offered", { ...offered, data: { name: "dataset:a", count: 2 } }));
    await tell();
    expect(values()).toEqual(["model:d", "dataset:a"]);
    await pass(300);
    const { draft } = model.last("draft");
    open({ setup, draft, offered: { ...offered, data: { name: "dataset:c", count: 3 } } });
    show(null);
    await pass();
    await tell();
    expect(values()).toEqual(["model:d", "dataset:c"]);
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
