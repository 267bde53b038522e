import { act } from "preact/test-utils";
import { describe, expect, it } from "vitest";
import {
  alert,
  choose,
  el,
  facts,
  list,
  model,
  onFreshPages,
  open,
  press,
  row,
  shown,
  tab,
  task,
  tell,
} from "./datasets_page";
import { button, type } from "./fake";
import { pass, reply } from "./page";

onFreshPages();

describe("the list", () => {
  it("teaches when it is empty, and makes the sample", async () => {
    await open({ rows: [] });
    expect(el.textContent).toContain("datasets.empty.title");
    await press("datasets.sample");
    model.accept("sample", { task: "t1" });
    tell(task("t1", { kind: "sample", phase: "done" }));
    await pass();
    expect(model.last("result").task).toBe("t1");
    await reply(() => model.accept("result", { dataset: "a" }));
    await list({ rows: [row("a")] });
    await pass();
    expect(el.querySelector("h2[title=a]")).not.toBeNull();
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("is ready");
  });

  it("finds by every word, in name and source, and sorts", async () => {
    await open({ rows: [row("b10", { rows: 1 }), row("b9", { rows: 2 }), row("x", { source: "far/b.csv", rows: 3 })] });
    const names = () => [...el.querySelectorAll(".nbt-dataset-name")].map((node) => node.textContent);
    choose(el.querySelector(".nbt-sidebar select"), "name");
    expect(names()).toEqual(["b9", "b10", "x"]);
    choose(el.querySelector(".nbt-sidebar select"), "rows");
    expect(names()).toEqual(["x", "b9", "b10"]);
    act(() => type(el.querySelector("input[type=search]") as HTMLInputElement, "B far"));
    expect(names()).toEqual(["x"]);
    act(() => type(el.querySelector("input[type=search]") as HTMLInputElement, "nothing"));
    expect(el.textContent).toContain("datasets.none_found");
  });

  it("is walked with the arrow keys, and shows what it comes to", async () => {
    await open();
    const [first, second] = el.querySelectorAll<HTMLElement>("[role=option]");
    expect([first?.tabIndex, second?.tabIndex]).toEqual([0, -1]);
    act(() => void first?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true })));
    await pass();
    expect(second?.getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(second);
    expect(model.last("dataset").dataset).toBe("b");
  });

  it("shows what comes from outside as text", async () => {
    await open({ rows: [row("x", { name: "<img src=x onerror=alert(1)>", source: "<script>1</script>" })] });
    expect(el.querySelector("img, script")).toBeNull();
    expect(el.textContent).toContain("<img src=x");
  });

  it("notices what a cell has made, when somebody comes to it", async () => {
    await open();
    const come = (): void => {
      act(() => void el.querySelector(".nbt-datasets")?.dispatchEvent(new Event("pointerenter")));
    };
    come();
    expect(model.of("datasets")).toHaveLength(1);
    await pass(2500);
    come();
    await list({ rows: [row("a"), row("b"), row("made in a cell")] });
    expect(el.querySelectorAll(".nbt-dataset")).toHaveLength(3);
  });

  it("deletes at once and takes it back", async () => {
    await open();
    await press("datasets.delete");
    expect(model.last("delete").dataset).toBe("a");
    await reply(() => model.accept("delete"));
    await list({ rows: [row("b")] });
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("a was deleted");
    await press("datasets.undo");
    expect(model.last("undelete").dataset).toBe("a");
    await reply(() => model.accept("undelete"));
    await list();
    expect(el.querySelector("h2")?.textContent).toBe("datasets.title");
    expect(el.querySelector(".nbt-name h2")?.textContent).toBe("a");
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("a is back");
  });

  it("renames in place; a name that is refused stays in the field with the reason", async () => {
    await open();
    await press("datasets.rename");
    const input = el.querySelector<HTMLInputElement>(".nbt-name input");
    if (!input) throw new Error("no field");
    act(() => type(input, "b"));
    act(() => void input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true })));
    await pass();
    await reply(() => model.refuse("rename", { kind: "ConfigError", message: "There is a dataset 'b' already." }));
    expect(input.getAttribute("aria-invalid")).toBe("true");
    expect(alert()).toContain("already");
    act(() => void input.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })));
    expect(el.querySelector(".nbt-name input")).toBeNull();
  });
});

describe("a dataset", () => {
  it("shows its table, and its examples when a finding asks for them", async () => {
    await open();
    await pass();
    act(() => model.change("children", { a: "IPY_MODEL_w1" }));
    await reply(() => model.accept("open"));
    await pass();
    expect(shown).toEqual(["anywidget:w1"]);
    const finding = {
      index: 0,
      kind: "duplicates",
      severity: "high" as const,
      count: 3,
      share: 0.02,
      columns: [],
      rows: [4, 7],
      args: { count: 3 },
      remedy: "drop_duplicates",
    };
    await tab("quality", { quality: { findings: [finding], stale: false } });
    expect(el.querySelector(".nbt-finding-title")?.textContent).toBe("3 rows are there twice");
    await press("remedy.drop_duplicates");
    expect(model.last("remedy")).toMatchObject({ dataset: "a", finding: 0, finding_kind: "duplicates", count: 3 });
    await reply(() => model.accept("remedy", { task: "t1", taken: true, code: "" }));
    await press("datasets.quality.examples");
    expect(model.last("open").panel).toBe("a:4,7");
    act(() => model.change("children", { a: "IPY_MODEL_w1", "a:4,7": "IPY_MODEL_w2" }));
    await reply(() => model.accept("open"));
    await pass();
    expect(shown).toEqual(["anywidget:w1", "anywidget:w2"]);
    await press("datasets.narrowed.all");
    expect(el.querySelector(".nbt-narrowed")).toBeNull();
  });

  it("says in the reader's words where it comes from, where that is no path", async () => {
    const origin = { kind: "several", args: { path: "/far/away/a.csv", number: 2 } };
    await open({ rows: [row("a", { source: "/far/away/a.csv and 2 more", origin })] });
    await pass();
    expect(el.querySelector(".nbt-detail-source")?.textContent).toContain("/far/away/a.csv und 2 weitere");
    expect(el.querySelector(".nbt-dataset-source")?.textContent).toBe("a.csv und 2 weitere");
  });

  it("hands the training form what only that can cure, or says the code where there is no form", async () => {
    await open();
    const finding = {
      index: 2,
      kind: "imbalance",
      severity: "medium" as const,
      count: 3,
      share: 0.02,
      columns: ["label"],
      rows: [],
      args: {},
      remedy: "oversample",
    };
    await tab("quality", { quality: { findings: [finding], stale: false } });
    await press("remedy.oversample");
    await reply(() => model.accept("remedy", { task: null, taken: true, code: "train()" }));
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("remedy.oversample.done");
    await press("remedy.oversample");
    await reply(() => model.accept("remedy", { task: null, taken: false, code: "train()" }));
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("Run \u2068train()\u2069");
  });

  it("says as text what was decided when it was read", async () => {
    await open();
    await reply(() => model.accept("dataset", facts(row("a"), { notes: ["The column '<b>' was read as text."] })));
    expect(el.querySelector(".nbt-detail-notes")?.textContent).toBe("The column '<b>' was read as text.");
  });

  it("measures itself when its profile is opened, and shows how far it is", async () => {
    await open();
    await tab("profile");
    expect(model.last("profile")).toMatchObject({ dataset: "a", target: "label" });
    await reply(() => model.accept("profile", { task: "p1" }));
    tell(task("p1", { kind: "profile", title: "a" }));
    await reply(() => model.accept("dataset", facts(row("a"), { running: { profile: "p1" } })));
    expect(el.querySelector(".nbt-profile [role=progressbar]")).not.toBeNull();
    tell(task("p1", { kind: "profile", title: "a", phase: "done" }));
    await pass();
    const column = { name: "<b>age</b>", kind: "integer", type: "BIGINT", missing: 15, distinct: 9, min: 1, max: 9 };
    const rest = { mean: 5, deviation: 1, quantiles: [], top: [], histogram: [1, 2], characters: null, tokens: null };
    const profile = { rows: 150, bytes: 1, target: null, columns: [{ ...column, ...rest }], classes: [] };
    await reply(() => model.accept("dataset", facts(row("a"), { profile })));
    expect(el.querySelector(".nbt-profile-columns th[scope=row]")?.textContent).toBe("<b>age</b>");
    expect(el.querySelector(".nbt-some")?.textContent).toBe("10.0%");
    expect(model.of("profile")).toHaveLength(1);
  });

  it("is split as the form says, and shows each part", async () => {
    await open();
    await tab("split");
    expect(el.querySelector("select")?.closest(".nbt-sidebar")).not.toBeNull();
    const [train] = el.querySelectorAll<HTMLInputElement>(".nbt-ratios input");
    if (!train) throw new Error("no slider");
    train.value = "160";
    act(() => void train.dispatchEvent(new Event("input", { bubbles: true })));
    await press("datasets.split.begin");
    expect(model.last("split").spec).toEqual({
      method: "stratified",
      train: 0.8,
      validation: 0.1,
      test: 0.1,
      target: "label",
      key: [],
      seed: 0,
    });
    await reply(() =>
      model.refuse("split", {
        kind: "ConfigError",
        message: "seed",
        problems: [{ field: "seed", message: "seed is -1" }],
      }),
    );
    expect(alert()).toContain("seed is -1");
    const spec = { method: "stratified", train: 0.8, validation: 0.1, test: 0.1, target: "label", key: [], seed: 0 };
    const classes = [{ value: "spam", parts: [12, 2, 1, 0] }];
    await press("datasets.split.begin");
    await reply(() => model.accept("split", { task: "s1" }));
    await reply(() =>
      model.accept("dataset", facts(row("a"), { split: { spec, counts: [120, 15, 15, 0], classes, notes: [] } })),
    );
    expect([...el.querySelectorAll(".nbt-parts-count")].map((node) => node.textContent)).toEqual(["120", "15", "15"]);
    expect([...el.querySelectorAll(".nbt-split-bar .nbt-number")].map((node) => node.textContent)).toEqual([
      "10.0%",
      "13.3%",
      "6.7%",
    ]);
    expect(button(el, "datasets.split.again").className).not.toContain("primary");
  });

  it("is processed by steps that are tried first, in any order", async () => {
    await open();
    await tab("process");
    const add = () => el.querySelector<HTMLSelectElement>(".nbt-add-step select");
    expect([...(add()?.options ?? [])].map(({ value }) => value)).toEqual(["", "scale", "html"]);
    choose(add(), "scale");
    expect([...el.querySelectorAll(".nbt-box")].map((box) => box.textContent)).toEqual(["age"]);
    act(() => el.querySelector<HTMLInputElement>(".nbt-box input")?.click());
    await pass(300);
    expect(model.last("before_after")).toMatchObject({
      dataset: "a",
      index: 0,
      steps: [{ step: "scale", columns: ["age"], method: "standard" }],
    });
    const before = { columns: ["age", "text"], rows: [["7", null]] };
    const after = { columns: ["age", "text"], rows: [["-1", null]] };
    await reply(() => model.accept("before_after", { before, after, dropped: 0 }));
    expect([...el.querySelectorAll(".nbt-changed")].map((head) => head.textContent)).toEqual(["age", "age"]);
    choose(add(), "html");
    await press("datasets.process.up");
    act(() => type(el.querySelector(".nbt-process-apply input") as HTMLInputElement, "clean"));
    await press("button.apply");
    expect((model.last("process").steps as { step: string }[]).map(({ step }) => step)).toEqual(["scale", "html"]);
    expect(model.last("process").name).toBe("clean");
    await reply(() =>
      model.refuse("process", {
        kind: "ConfigError",
        message: "There is a dataset 'clean' already.",
        problems: [{ field: "name", message: "There is a dataset 'clean' already." }],
      }),
    );
    expect(alert()).toContain("clean");
  });

  it("keeps a recipe that was begun while a file is held over the panel", async () => {
    await open();
    await tab("process");
    choose(el.querySelector(".nbt-add-step select"), "html");
    const drag = (kind: string, target: string): void => {
      const event = new Event(kind, { bubbles: true, cancelable: true });
      Object.assign(event, { dataTransfer: { files: [], types: ["Files"] } });
      act(() => void el.querySelector(target)?.dispatchEvent(event));
    };
    drag("dragover", ".nbt-detail");
    expect(el.querySelector(".nbt-drop-over")).not.toBeNull();
    expect(el.querySelector<HTMLElement>(".nbt-datasets-place")?.hidden).toBe(true);
    drag("dragleave", ".nbt-datasets");
    expect(el.querySelector(".nbt-drop")).toBeNull();
    expect(el.querySelectorAll(".nbt-step")).toHaveLength(1);
  });

  it("is written to a file, also when that is done before the answer comes", async () => {
    await open();
    await press("datasets.export");
    act(() => type(el.querySelector(".nbt-export input") as HTMLInputElement, "out.parquet"));
    act(() => button(el.querySelector(".nbt-export") as HTMLElement, "datasets.export").click());
    await pass();
    expect(model.last("export")).toMatchObject({ dataset: "a", path: "out.parquet" });
    tell(task("e1", { kind: "export", phase: "done" }));
    await reply(() => model.accept("export", { task: "e1" }));
    await pass();
    expect(el.querySelector(".nbt-export")).toBeNull();
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("datasets.said.exported");
  });

  it("is handed to training", async () => {
    await open();
    await press("datasets.use");
    expect(model.last("use").dataset).toBe("a");
    await reply(() => model.accept("use", { taken: true }));
    expect(el.querySelector(".nbt-toast")?.textContent).toContain("datasets.said.used");
    await press("datasets.use");
    await reply(() => model.accept("use", { taken: false }));
    expect(el.querySelector(".nbt-toast")?.textContent).toContain('nbtrain.train(model, "a")');
  });
});
