import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Datasets } from "../src/datasets/panel";
import type { DatasetFacts, DatasetRow, StepSchema } from "../src/datasets/wire";
import type { Host } from "../src/shared/model";
import type { TaskState } from "../src/shared/wire";
import { digestOf } from "../src/shared/work/upload";
import { button, draw, FakeModel, type } from "./fake";

function row(id: string, more: Partial<DatasetRow> = {}): DatasetRow {
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

function facts(of: DatasetRow, more: Partial<DatasetFacts> = {}): DatasetFacts {
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

function task(id: string, more: Partial<TaskState> = {}): TaskState {
  const plain = { kind: "import", title: "a.csv", phase: "running" as const, done: 50, total: 100, unit: "rows" };
  return { task: id, seconds: 0, error: null, ...plain, ...more };
}

const STEPS: StepSchema[] = [
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

function plainField(name: string) {
  return { name, min: null, max: null, choices: null, kinds: null, optional: false, advanced: false, needs: null };
}

const WORDS = {
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

let model: FakeModel;
let el: HTMLElement;
let close: () => void;
const shown: string[] = [];
const host: Host = {
  async getWidget(reference) {
    return {
      async render({ el: place }) {
        shown.push(reference);
        place.textContent = `table ${reference}`;
      },
    };
  },
};

async function pass(ms = 0): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

function tell(...tasks: TaskState[]): void {
  act(() => model.push({ type: "delta", states: [], series: [], tasks }));
}

interface Opening {
  rows?: DatasetRow[];
  uploads?: object[];
  dismissed?: string[];
  tasks?: TaskState[];
}

async function list({ rows = [row("a"), row("b")], uploads = [], dismissed = [] }: Opening = {}): Promise<void> {
  await reply(() => model.accept("datasets", { rows, uploads, dismissed }));
}

async function open(opening: Opening = {}): Promise<void> {
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: { chunk: 4, steps: STEPS } });
  act(() => {
    ({ el, close } = draw(Datasets, model, host));
  });
  await pass();
  act(() => model.push({ type: "snapshot", states: [], series: [], tasks: opening.tasks ?? [] }));
  await list(opening);
}

/** Lets Python say something, and what follows from it happen. */
async function reply(say: () => void): Promise<void> {
  await act(async () => say());
  await pass();
  await pass();
}

async function press(label: string): Promise<void> {
  act(() => button(el, label).click());
  await pass();
}

/** Opens a tab of the chosen dataset, whose facts come. */
async function tab(name: string, more: Partial<DatasetFacts> = {}): Promise<void> {
  const id = String(model.last("dataset").dataset);
  await reply(() => model.accept("dataset", facts(row(id), more)));
  act(() => el.querySelector<HTMLElement>(`[role=tab][id$="-${name}"]`)?.click());
  await pass();
}

function alert(): string {
  return [...el.querySelectorAll('[role="alert"]')].map((node) => node.textContent).join("\n");
}

function choose(select: HTMLSelectElement | null, value: string): void {
  if (!select) throw new Error("no select");
  select.value = value;
  act(() => void select.dispatchEvent(new Event("change", { bubbles: true })));
}

function drop(...files: File[]): void {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.assign(event, { dataTransfer: { files, types: ["Files"] } });
  act(() => void el.querySelector(".nbt-datasets-main")?.dispatchEvent(event));
}

beforeEach(() => {
  shown.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

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

describe("importing", () => {
  it("comes back after a reload with work in progress, and can cancel it", async () => {
    await open({ tasks: [task("t1"), task("old", { phase: "failed", error: { kind: "DataError", message: "x" } })] });
    expect(el.querySelector(".nbt-sidebar .nbt-task")?.textContent).toContain("Importing a.csv");
    expect(el.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("50");
    await press("button.cancel");
    expect(model.last("cancel").task).toBe("t1");
    expect(button(el, "datasets.task.cancelling").disabled).toBe(true);
  });

  it("imports from where it is told, and says beside the field why not", async () => {
    await open({ rows: [] });
    const input = el.querySelector<HTMLInputElement>(".nbt-place input");
    if (!input) throw new Error("no field");
    expect(button(el, "datasets.place.import").disabled).toBe(true);
    act(() => type(input, " data/*.csv "));
    await press("datasets.place.import");
    expect(model.last("import")).toMatchObject({ source: "data/*.csv", options: {} });
    await reply(() => model.refuse("import", { kind: "DataError", message: "There is no file data/*.csv." }));
    expect(input.getAttribute("aria-invalid")).toBe("true");
    expect(el.querySelector(`#${CSS.escape(input.getAttribute("aria-describedby") ?? "")}`)?.textContent).toContain(
      "no file",
    );
  });

  it("offers to skip what cannot be read, with the options as they are, and is put away for good", async () => {
    const error = { kind: "DataFileError", message: "a.csv, line 7, column 2: a quote is not closed." };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    expect(alert()).toContain("line 7");
    const read = el.querySelector<HTMLElement>(".nbt-read-fold");
    expect(read?.getAttribute("aria-expanded")).toBe("true");
    choose(el.querySelector('select[id$="-encoding"]'), "windows-1256");
    await press("datasets.import.skip");
    expect(model.last("import_again")).toMatchObject({
      task: "t1",
      options: { encoding: "windows-1256", on_error: "skip" },
    });
    await reply(() => model.accept("import_again", { task: "t2" }));
    expect(model.last("dismiss").task).toBe("t1");
    expect(alert()).toBe("");
  });

  it("keeps failures away that were put away before", async () => {
    const error = { kind: "DataError", message: "gone" };
    await open({ rows: [], dismissed: ["t1"], tasks: [task("t1", { phase: "failed", error })] });
    expect(alert()).toBe("");
  });

  it("asks for what suits the format alone", async () => {
    await open({ rows: [] });
    await press("datasets.read.title");
    const fields = () => [...el.querySelectorAll(".nbt-read-field select")].map(({ id }) => id.split("-").at(-1));
    expect(fields()).toContain("delimiter");
    expect(fields()).toContain("date_order");
    choose(el.querySelector('select[id$="-format"]'), "parquet");
    expect(fields()).toEqual(["format"]);
    choose(el.querySelector('select[id$="-format"]'), "text");
    expect(fields()).toEqual(["format", "encoding", "lines"]);
  });
});

describe("an upload", () => {
  const file = (): File => new File(["0123456789"], "a.csv", { lastModified: 7 });

  async function answer(kind: string, result: object): Promise<void> {
    // The file is read and hashed outside of the fake clock.
    await vi.waitFor(() => expect(model.of(kind).some(({ id }) => !answered.has(id))).toBe(true));
    answered.add(model.last(kind).id);
    expect(model.of(kind).every(({ id }) => answered.has(id))).toBe(true); // never two under way
    await reply(() => model.accept(kind, result));
  }
  const answered = new Set<string>();

  it("goes in pieces, each after the one before was taken, and is imported", async () => {
    await open({ rows: [] });
    const buffers = vi.spyOn(model, "send");
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 0 });
    const ends = await Promise.all(["0123", "6789"].map((end) => digestOf(new TextEncoder().encode(end).buffer)));
    expect(model.last("upload")).toMatchObject({ name: "a.csv", size: 10, stamp: ["7", ...ends].join(" ") });
    await answer("chunk", { have: 4 });
    await answer("chunk", { have: 8 });
    await answer("chunk", { have: 10 });
    expect(model.of("chunk").map(({ offset }) => offset)).toEqual([0, 4, 8]);
    const sent = buffers.mock.calls.filter(([content]) => (content as { kind: string }).kind === "chunk");
    const sizes = sent.map((call) => ((call as unknown[])[2] as ArrayBuffer[])[0]?.byteLength);
    expect(sizes).toEqual([4, 4, 2]);
    await answer("uploaded", { task: "t1", sha256: "s" });
    expect(model.last("uploaded")).toMatchObject({ upload: "u1", options: {} });
    tell(task("t1", { phase: "done" }));
    await pass();
    expect(model.last("result").task).toBe("t1");
  });

  it("goes on from what the kernel has, and waits while it is gone", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 8 });
    await answer("check_upload", {});
    await vi.waitFor(() => expect(model.of("chunk")).toHaveLength(1));
    expect(model.last("chunk").offset).toBe(8);
    await pass(4000); // no beat: the kernel is gone
    expect(el.textContent).toContain("datasets.upload.waiting");
    act(() => model.beat());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 10 });
    await answer("check_upload", {});
    await answer("uploaded", { task: "t1", sha256: "s" });
    expect(el.textContent).not.toContain("datasets.upload.waiting");
  });

  it("goes on only where the kernel has the beginning of this file, and skips nothing it did not send", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 6 });
    const digests = await Promise.all(["0123", "45"].map((piece) => digestOf(new TextEncoder().encode(piece).buffer)));
    const digest = await digestOf(new TextEncoder().encode(digests.join("")).buffer);
    await vi.waitFor(() => expect(model.of("check_upload")).toHaveLength(1));
    expect(model.last("check_upload")).toMatchObject({ upload: "u1", have: 6, digest });
    await reply(() => model.refuse("check_upload", { kind: "DataError", message: "It is another file." }));
    await vi.waitFor(() => expect(alert()).toContain("another file"));
    expect(model.of("chunk")).toHaveLength(0);
    await press("button.retry");
    await answer("upload", { upload: "u2", name: "a.csv", size: 10, have: 0 });
    await answer("chunk", { have: 9 }); // another page is ahead
    await answer("chunk", { have: 10 });
    await answer("chunk", { have: 10 });
    expect(model.of("chunk").map(({ offset }) => offset)).toEqual([0, 4, 8]);
  });

  it("is not sent again when the kernel was gone before it answered that it is whole", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 8 });
    await answer("check_upload", {});
    await answer("chunk", { have: 10 });
    await vi.waitFor(() => expect(model.of("uploaded")).toHaveLength(1));
    await pass(4000);
    expect(el.textContent).toContain("datasets.upload.waiting");
    act(() => model.beat());
    await vi.waitFor(() => expect(model.of("uploaded")).toHaveLength(2));
    expect(model.of("upload")).toHaveLength(1);
  });

  it("says why it stands still, and tries again from there", async () => {
    await open({ rows: [] });
    drop(file());
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
    await reply(() => model.refuse("upload", { kind: "DataError", message: "The disk has 3 bytes left." }));
    await pass();
    expect(alert()).toContain("3 bytes left");
    await press("button.retry");
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(2));
  });

  it("is thrown away when it is called off, and is named when another page left it half-way", async () => {
    await open({ rows: [], uploads: [{ upload: "u9", name: "b.csv", size: 10, have: 5 }] });
    expect(el.querySelector(".nbt-half")?.textContent).toContain("datasets.upload.half");
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 0 });
    await press("button.cancel");
    expect(model.last("drop_upload").upload).toBe("u1");
    expect(el.querySelector(".nbt-task:not(.nbt-half)")).toBeNull();
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
