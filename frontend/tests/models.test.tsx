import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Models } from "../src/models/panel";
import type { ModelFacts, ModelRow, VersionView } from "../src/models/wire";
import type { TaskState } from "../src/shared/wire";
import { button, draw, FakeModel, type } from "./fake";

const NOW = 1_800_000_000;

function row(id: string, more: Partial<ModelRow> = {}): ModelRow {
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

function version(number: number, more: Partial<VersionView> = {}): VersionView {
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

function facts(of: ModelRow, more: Partial<ModelFacts> = {}): ModelFacts {
  return { row: of, versions: [version(1)], folder: "/w/models/m", running: {}, ...more };
}

function task(id: string, more: Partial<TaskState> = {}): TaskState {
  const plain = { kind: "model_import", title: "a.pt", phase: "running" as const, done: 50, total: 100, unit: "bytes" };
  return { task: id, seconds: 0, error: null, ...plain, ...more };
}

const WORDS = {
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

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

async function pass(ms = 0): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

async function reply(say: () => void): Promise<void> {
  await act(async () => say());
  await pass();
  await pass();
}

function tell(...tasks: TaskState[]): void {
  act(() => model.push({ type: "delta", states: [], series: [], tasks }));
}

interface Opening {
  rows?: ModelRow[];
  total?: number;
  count?: number;
  tasks?: TaskState[];
  dismissed?: string[];
}

async function page({ rows = [row("a"), row("b")], total = rows.length, count = total }: Opening = {}): Promise<void> {
  await reply(() => model.accept("models", { rows, total, count, categories: ["vision"], tags: ["v1"] }));
}

async function open(opening: Opening = {}): Promise<void> {
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: { chunk: 4 } });
  act(() => {
    ({ el, close } = draw(Models, model));
  });
  await pass();
  act(() => model.push({ type: "snapshot", states: [], series: [], tasks: opening.tasks ?? [] }));
  await reply(() => model.accept("uploads", { uploads: [], dismissed: opening.dismissed ?? [] }));
  await reply(() => model.accept("downloads", { downloads: [] }));
  await page(opening);
}

/** Opens the model with this name, whose facts come. */
async function choose(name: string, more: Partial<ModelFacts> = {}, of: Partial<ModelRow> = {}): Promise<void> {
  act(() => [...el.querySelectorAll<HTMLElement>("[role=option]")].find((e) => e.textContent?.includes(name))?.click());
  await pass();
  const id = String(model.last("facts").model);
  await reply(() => model.accept("facts", facts(row(id, of), more)));
}

async function press(label: string, within: Element = el): Promise<void> {
  act(() => button(within, label).click());
  await pass();
}

function key(target: Element | null, name: string): void {
  act(() => void target?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true })));
}

function select(name: string, value: string, within: Element | null = el): void {
  const found = within?.querySelector<HTMLSelectElement>(`select[aria-label="${name}"], select[id$="${name}"]`);
  if (!found) throw new Error(`no select ${name}`);
  found.value = value;
  act(() => void found.dispatchEvent(new Event("change", { bubbles: true })));
}

const toast = () => el.querySelector(".nbt-toast")?.textContent?.replace(/[\u2068\u2069]/g, "") ?? "";
const alert = () => [...el.querySelectorAll('[role="alert"]')].map((node) => node.textContent).join("\n");
const names = () => [...el.querySelectorAll(".nbt-model-name")].map((node) => node.textContent);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"], now: NOW * 1000 });
  vi.spyOn(console, "error").mockImplementation(() => {});
  localStorage.clear();
});

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

describe("my models", () => {
  it("teach when there are none, and lead to the Hub", async () => {
    await open({ rows: [] });
    expect(el.textContent).toContain("models.empty.title");
    expect(el.querySelector(".nbt-drop")).not.toBeNull();
    await press("models.empty.find");
    expect(model.last("search").query).toEqual({ sort: "trending" });
  });

  it("draw of ten thousand only what is seen, and ask for the pages that are looked at", async () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(`m${index}`));
    await open({ rows, total: 10_000 });
    expect(el.querySelectorAll("[role=option]").length).toBeLessThan(40);
    expect(el.querySelector("[role=option]")?.getAttribute("aria-setsize")).toBe("10000");
    const list = el.querySelector<HTMLElement>("[role=listbox]");
    if (!list) throw new Error("no list");
    act(() => {
      list.scrollTop = 28 * 5000;
      list.dispatchEvent(new Event("scroll"));
    });
    await pass();
    expect(model.last("models")).toMatchObject({ offset: 5000, limit: 100 });
    await reply(() =>
      model.accept("models", { rows: [row("far")], total: 10_000, count: 10_000, categories: [], tags: [] }),
    );
    expect(names()).toContain("far");
  });

  it("are searched after a rest, filtered and sorted at once, and an old answer never counts", async () => {
    await open();
    act(() => type(el.querySelector('input[type="search"]') as HTMLInputElement, "be"));
    await pass(100);
    act(() => type(el.querySelector('input[type="search"]') as HTMLInputElement, "bert"));
    await pass(250);
    expect(model.of("models")).toHaveLength(2);
    expect(model.last("models").query).toEqual({ search: "bert", sort: "updated", descending: true });
    const old = model.last("models").id;
    select("models.filter.stage", "production");
    await pass();
    expect(model.last("models").query).toMatchObject({ search: "bert", stage: "production" });
    await page({ rows: [row("right")], count: 7 });
    const late = { rows: [row("late")], total: 1, count: 7, categories: [], tags: [] };
    await reply(() => model.message({ type: "reply", id: old, ok: true, result: late }));
    expect(names()).toEqual(["right"]);
    expect(el.querySelector(".nbt-models-foot")?.textContent).toContain("of 7");
    select("models.sort", "name");
    await pass();
    expect(model.last("models").query).toMatchObject({ sort: "name", descending: false });
  });

  it("are cards or lines, as was chosen last", async () => {
    await open();
    expect(el.querySelector(".nbt-model-row")).not.toBeNull();
    await press("models.view.cards");
    expect(el.querySelector(".nbt-model-card")).not.toBeNull();
    act(() => close());
    await open();
    expect(el.querySelector(".nbt-model-card")).not.toBeNull();
  });

  it("show a figure whole, whatever its metric is called", async () => {
    await open({ rows: [row("a", { metric: { name: "val_accuracy", value: 0.9312 } }), row("b")] });
    const [metric, none] = [...el.querySelectorAll<HTMLElement>(".nbt-model-metric")];
    expect(metric?.lastElementChild?.textContent).toBe("0.9312");
    expect(metric?.title).toBe("val_accuracy 0.9312");
    expect(none?.textContent).toBe("");
  });

  it("are walked by keys: arrows move, Enter opens, Escape closes", async () => {
    await open({ rows: [row("a"), row("b"), row("c")] });
    const list = el.querySelector("[role=listbox]");
    key(list, "ArrowDown");
    await pass(200);
    expect(model.of("facts")).toHaveLength(0);
    key(list, "Enter");
    await pass();
    expect(model.last("facts").model).toBe("b");
    await reply(() => model.accept("facts", facts(row("b"))));
    key(list, "ArrowDown");
    await pass(200); // what is walked past is not asked for
    expect(model.last("facts").model).toBe("c");
    key(el.querySelector(".nbt-split-detail"), "Escape");
    await pass();
    expect(el.querySelector(".nbt-split-detail")).toBeNull();
  });

  it("show what comes from outside as text", async () => {
    await open({ rows: [row("x", { name: "<img src=x>", architecture: "<b>A</b>", tags: ["<i>"] })] });
    await choose("<img", { versions: [version(1, { note: "<script>1</script>", labels: ["<u>"] })] });
    expect(el.querySelector("img, script, i, u, b")).toBeNull();
    expect(el.textContent).toContain("<img src=x>");
  });

  it("say again why they cannot be read, and are asked for again", async () => {
    await open();
    select("models.sort", "bytes");
    await pass();
    await reply(() => model.refuse("models", { kind: "WorkspaceError", message: "The workspace is gone." }));
    expect(alert()).toContain("workspace is gone");
    await press("button.retry");
    await page();
    expect(alert()).toBe("");
  });
});

describe("a model", () => {
  it("is deleted after one question, and comes back", async () => {
    await open();
    await choose("a");
    await press("models.delete");
    expect(model.of("delete")).toHaveLength(0);
    await press("models.keep");
    expect(el.querySelector(".nbt-confirm")).toBeNull();
    await press("models.delete");
    await press("models.delete", el.querySelector(".nbt-confirm") as Element);
    expect(model.last("delete")).toMatchObject({ model: "a", version: null });
    await reply(() => model.accept("delete"));
    await page({ rows: [row("b")] });
    expect(toast()).toContain("a was deleted");
    await press("datasets.undo");
    expect(model.last("undelete")).toMatchObject({ model: "a", version: null });
    await reply(() => model.accept("undelete"));
    await page();
    expect(toast()).toContain("a is back");
    expect(model.last("facts").model).toBe("a");
  });

  it("is moved to a stage, tagged and put into a category; what is refused is said there", async () => {
    await open();
    await choose("a", { versions: [version(2), version(1)] }, { tags: ["v1"] });
    select("-stage", "production", el.querySelector(".nbt-version"));
    await pass();
    expect(model.last("move")).toMatchObject({ model: "a", version: 2, stage: "production" });
    await reply(() => model.accept("move"));
    expect(toast()).toBe(""); // not before the panel shows it
    await reply(() => model.accept("facts", facts(row("a", { tags: ["v1"] }))));
    expect(toast()).toContain("models.said.moved");
    const tag = el.querySelector<HTMLInputElement>('input[aria-label="models.tag.add"]');
    act(() => type(tag as HTMLInputElement, "best"));
    key(tag, "Enter");
    await pass();
    expect(model.last("tag").tags).toEqual(["v1", "best"]);
    await reply(() => model.refuse("tag", { kind: "ConfigError", message: "A tag has a comma." }));
    expect(alert()).toContain("comma");
    const category = el.querySelector<HTMLInputElement>(".nbt-model-category input");
    act(() => type(category as HTMLInputElement, "vision"));
    key(category, "Enter");
    await pass();
    expect(model.last("categorise").category).toBe("vision");
  });

  it("is renamed in its place, where what is typed goes", async () => {
    await open();
    await choose("a");
    await press("models.rename");
    const input = el.querySelector<HTMLInputElement>(".nbt-name input");
    expect(document.activeElement).toBe(input); // and not to the notebook, whose keys delete cells
    act(() => type(input as HTMLInputElement, "best"));
    key(input, "Enter");
    await pass();
    expect(model.last("rename")).toMatchObject({ model: "a", name: "best" });
    await reply(() => model.accept("rename"));
    await reply(() => model.accept("facts", facts(row("a", { name: "best" }))));
    expect(toast()).toContain("models.said.renamed");
    expect(el.querySelector(".nbt-name h2")?.textContent).toBe("best");
  });

  it("keeps a note, and a version that was deleted comes back", async () => {
    await open();
    await choose("a", { versions: [version(2), version(1)] });
    const area = el.querySelector<HTMLTextAreaElement>(".nbt-note textarea");
    if (!area) throw new Error("no note");
    area.value = "ships on Monday";
    act(() => void area.dispatchEvent(new Event("input", { bubbles: true })));
    await press("models.note.save");
    expect(model.last("note")).toMatchObject({ model: "a", version: 2, note: "ships on Monday" });
    await press("models.version.delete");
    await press("models.delete", el.querySelector(".nbt-confirm") as Element);
    expect(model.last("delete")).toMatchObject({ model: "a", version: 2 });
    await reply(() => model.accept("delete"));
    await reply(() => model.accept("facts", facts(row("a"))));
    await press("datasets.undo");
    expect(model.last("undelete")).toMatchObject({ model: "a", version: 2 });
  });

  it("says that it is gone, and can be asked for again", async () => {
    await open();
    act(() => el.querySelector<HTMLElement>("[role=option]")?.click());
    await pass();
    await reply(() => model.refuse("facts", { kind: "ModelNotFoundError", message: "There is no model 'a'." }));
    expect(el.querySelector(".nbt-split-detail [role=alert]")?.textContent).toContain("no model 'a'");
    await press("button.retry");
    await reply(() => model.accept("facts", facts(row("a"))));
    expect(el.querySelector(".nbt-version")).not.toBeNull();
  });

  it("is verified and says how it went", async () => {
    await open();
    await choose("a");
    await press("models.verify");
    await reply(() => model.accept("verify", { task: "v1" }));
    tell(task("v1", { kind: "verify", phase: "failed", error: { kind: "ModelFileError", message: "It differs." } }));
    await pass();
    expect(alert()).toContain("It differs");
  });

  it("is exported, and shows the largest difference", async () => {
    await open();
    await choose("a");
    act(() => el.querySelector<HTMLElement>('[role=tab][id$="-export"]')?.click());
    await pass();
    select("-format", "onnx");
    expect(el.querySelector<HTMLInputElement>('input[id$="-path"]')?.value).toBe("a.onnx");
    await press("models.export");
    expect(model.last("export")).toMatchObject({
      model: "a",
      version: 1,
      format: "onnx",
      path: "a.onnx",
      options: { overwrite: false },
    });
    tell(task("e1", { kind: "model_export", phase: "done" }));
    await reply(() => model.accept("export", { task: "e1" }));
    const files = [{ path: "a.onnx", size: 10, safe: true }];
    const result = { path: "/w/a.onnx", files, bytes: 10, difference: 0.0000012, note: "" };
    await reply(() => model.accept("exported", { export: result }));
    expect(el.querySelector(".nbt-written")?.textContent).toContain("difference 1.2E-6");
    expect(toast()).toContain("a → /w/a.onnx");
  });

  it("is tried: values go as their fields say, and probabilities are bars", async () => {
    await open();
    await choose("a");
    await press("models.try");
    const field = { choices: [], example: null, accept: "", rows: 0 };
    const fields = [
      { ...field, name: "age", type: "number", example: 4 },
      { ...field, name: "member", type: "switch", example: true },
      { ...field, name: "wave", type: "series", rows: 2, example: [[1, 2], [3, 4]] }, // biome-ignore format: a line each
    ];
    await reply(() => model.accept("try_form", { kind: "tabular", fields, note: "" }));
    act(() => type(el.querySelector(".nbt-try-number input") as HTMLInputElement, "۷"));
    await press("try.predict");
    expect(model.last("predict")).toMatchObject({
      model: "a",
      version: 1,
      values: { age: 7, member: true, wave: "1,2\n3,4" },
    });
    const guesses = [{ label: "<b>yes</b>", probability: 0.75 }];
    const marks = [
      { text: "<i>Anna</i>", label: "B-PER" },
      { text: "walks", label: "" },
    ];
    const none = { title: "", text: "", marks: [], mime: "", content: "" };
    const shown = [
      { ...none, kind: "text", text: "<b>on and on</b>" },
      { ...none, kind: "marks", marks },
      { ...none, kind: "image", title: "points", mime: "image/png", content: btoa("a picture") },
      { ...none, kind: "image", mime: "image/svg+xml", content: btoa("<svg/>") },
    ];
    await reply(() => model.accept("predict", { guesses, values: [], shown, seconds: 0.01, note: "" }));
    expect(el.querySelector(".nbt-shown-text")?.textContent).toBe("<b>on and on</b>");
    expect(el.querySelector(".nbt-shown-marks")?.textContent).toBe("<i>Anna</i> B-PER walks");
    expect([...el.querySelectorAll(".nbt-shown-marks mark")].length).toBe(1);
    const images = [...el.querySelectorAll<HTMLImageElement>(".nbt-shown img")];
    expect(images.map(({ alt, src }) => [alt, src.startsWith("blob:")])).toEqual([["points", true]]); // no SVG
    expect(el.querySelector(".nbt-guess")?.textContent).toContain("<b>yes</b>75.0%");
    expect(el.querySelector<HTMLElement>(".nbt-guess-bar span")?.style.inlineSize).toBe("75%");
    await press("try.predict");
    const problems = [{ field: "age", message: "age is 7000" }];
    await reply(() => model.refuse("predict", { kind: "ConfigError", message: "age", problems }));
    expect(el.querySelector(".nbt-try-number [role=alert]")?.textContent).toBe("age is 7000");
  });

  it("is handed to training, or says the line that does so", async () => {
    await open();
    await choose("a");
    await press("models.use");
    await reply(() => model.accept("use", { taken: false }));
    expect(toast()).toContain('Run nbtrain.train("a", data)');
  });
});

describe("a model that arrives", () => {
  it("asks in its place before a pickle is converted, and shows what came of it", async () => {
    const error = { kind: "NeedsPermission", message: "a.pt is a pickle." };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    await reply(() => model.accept("question", { question: "convert" }));
    expect(alert()).toContain("a.pt is a pickle");
    expect(alert()).toContain("models.ask.convert.help");
    await press("models.ask.convert.yes");
    expect(model.last("import_again")).toMatchObject({ task: "t1", options: { convert: true } });
    await reply(() => model.accept("import_again", { task: "t2" }));
    expect(model.last("dismiss").task).toBe("t1");
    tell(task("t2", { phase: "done" }));
    await pass();
    expect(model.last("result").task).toBe("t2");
    await reply(() => model.accept("result", { model: "new" }));
    expect(model.last("facts").model).toBe("new");
  });

  it("may be let go of instead, and one whose code would run asks for that", async () => {
    const error = { kind: "NeedsPermission", message: "code" };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    await reply(() => model.accept("question", { question: "remote_code" }));
    expect(button(el, "models.ask.remote_code.yes")).toBeDefined();
    await press("models.ask.no");
    expect(model.last("dismiss").task).toBe("t1");
    expect(model.of("import_again")).toHaveLength(0);
  });

  it("is dropped anywhere on the panel, also on the side of the Hub", async () => {
    await open();
    act(() => el.querySelector<HTMLElement>('[role=tab][id$="-hub"]')?.click());
    await pass();
    const event = new Event("drop", { bubbles: true, cancelable: true });
    const files = [new File(["0123"], "a.safetensors", { lastModified: 7 })];
    Object.assign(event, { dataTransfer: { files, types: ["Files"] } });
    act(() => void el.querySelector(".nbt-models-foot")?.dispatchEvent(event));
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
    expect(model.last("upload")).toMatchObject({ name: "a.safetensors", size: 4 });
    expect(el.querySelector(".nbt-task")?.textContent).toContain("datasets.upload.title");
  });
});
