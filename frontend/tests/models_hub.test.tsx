import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isSafe } from "../src/models/hub/card";
import { Models } from "../src/models/panel";
import type { CardBlock, DownloadView, HubFacts, HubRow } from "../src/models/wire";
import type { TaskState } from "../src/shared/wire";
import { button, draw, FakeModel, type } from "./fake";
import { press as click, pass, reply, stopTheClock } from "./page";

function row(id: string, more: Partial<HubRow> = {}): HubRow {
  const facts = {
    task: "fill-mask",
    library: "transformers",
    languages: ["en"],
    licence: "mit",
    parameters: 4_400_000,
  };
  return { id, ...facts, downloads: 100, likes: 3, updated: 1_700_000_000, gated: "", cached: false, ...more };
}

function block(type: string, more: Partial<CardBlock> = {}): CardBlock {
  return { type, level: 0, ordered: false, language: "", text: "", spans: [], items: [], cells: [], ...more };
}

function facts(id: string, more: Partial<HubFacts> = {}): HubFacts {
  return {
    row: row(id),
    revision: "main",
    commit: "0123456789",
    card: [],
    files: [
      { path: "model.safetensors", size: 1000, safe: true },
      { path: "old.bin", size: 1000, safe: false },
    ],
    tags: [],
    architecture: "BertForMaskedLM",
    precision: "float32",
    download: 1000,
    have: 0,
    remote_code: false,
    fit: {
      device: "RAM",
      free: 1000,
      inference: 400,
      training: 1600,
      inference_verdict: "fits",
      training_verdict: "no",
      parts: [
        { name: "weights", bytes: 400 },
        { name: "gradients", bytes: 400 },
        { name: "optimizer", bytes: 800 },
      ],
    },
    offline: false,
    note: "",
    problem: "",
    ...more,
  };
}

function download(id: string, more: Partial<DownloadView> = {}): DownloadView {
  const plain = { repository: "o/m", revision: "", have: 512, total: 2048, speed: 1024, left: 90, phase: "running" };
  return { id, task: "t1", error: "", model: "", question: "", ...plain, ...more };
}

function task(id: string, more: Partial<TaskState> = {}): TaskState {
  const plain = { kind: "download", title: "o/m", phase: "running" as const, done: 0, total: 100, unit: "bytes" };
  return { task: id, seconds: 0, error: null, ...plain, ...more };
}

const WORDS = {
  "models.queue.speed": "{rate}/s",
  "models.queue.left": "{time} left",
  "datasets.task.of": "{done} of {total}",
  "bytes.B": "{value} B",
  "bytes.KiB": "{value} KiB",
  "duration.minute": "{value}m",
  "duration.second": "{value}s",
  "models.said.downloaded": "{name} is here",
};

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

async function found(rows: HubRow[], next: string | null = null, more: object = {}): Promise<void> {
  await reply(() => model.accept("search", { rows, next, offline: false, note: "", ...more }));
}

async function open(downloads: DownloadView[] = []): Promise<void> {
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: {} });
  act(() => {
    ({ el, close } = draw(Models, model));
  });
  await pass();
  act(() => model.push({ type: "snapshot", states: [], series: [], tasks: [] }));
  await reply(() => model.accept("uploads", { uploads: [], dismissed: [] }));
  await reply(() => model.accept("downloads", { downloads }));
  await reply(() => model.accept("models", { rows: [], total: 0, count: 1, categories: [], tags: [] }));
  expect(model.of("search")).toHaveLength(0); // the Hub is asked by who looks at it
  act(() => el.querySelector<HTMLElement>('[role=tab][id$="-hub"]')?.click());
  await pass();
}

async function choose(id: string, more: Partial<HubFacts> = {}): Promise<void> {
  await found([row(id)]);
  act(() => el.querySelector<HTMLElement>(".nbt-hub-row")?.click());
  await pass();
  await reply(() => model.accept("hub_facts", facts(id, more)));
}

const press = (label: string): Promise<void> => click(el, label);

async function tab(name: string): Promise<void> {
  act(() => el.querySelector<HTMLElement>(`.nbt-model [role=tab][id$="-${name}"]`)?.click());
  await pass();
}

const search = () => el.querySelector<HTMLInputElement>(".nbt-models-side:not([hidden]) input[type=search]");
const ids = () => [...el.querySelectorAll(".nbt-hub-id")].map((node) => node.textContent);
const alert = () => [...el.querySelectorAll('[role="alert"]')].map((node) => node.textContent).join("\n");
const toast = () => el.querySelector(".nbt-toast")?.textContent?.replace(/[\u2068\u2069]/g, "") ?? "";

beforeEach(() => stopTheClock());

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

describe("the search", () => {
  it("waits for its writer, Enter does not, and the newest question wins", async () => {
    await open();
    await found([row("o/first")]);
    act(() => type(search() as HTMLInputElement, "be"));
    await pass(200);
    expect(model.of("search")).toHaveLength(1);
    act(() => void search()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true })));
    await pass();
    expect(model.last("search").query).toMatchObject({ search: "be" });
    const old = model.last("search").id;
    act(() => type(search() as HTMLInputElement, "bert"));
    await pass(400);
    expect(model.last("search").query).toMatchObject({ search: "bert" });
    await found([row("o/right")]);
    const late = { rows: [row("o/late")], next: null, offline: false, note: "" };
    await reply(() => model.message({ type: "reply", id: old, ok: true, result: late }));
    expect(ids()).toEqual(["o/right"]);
  });

  it("goes on with the cursor near the end, shows a model once, and stops at the last page", async () => {
    await open();
    await found(
      Array.from({ length: 30 }, (_, index) => row(`o/m${index}`)),
      "hub:2",
    );
    const list = el.querySelector<HTMLElement>(".nbt-models-side:not([hidden]) [role=listbox]");
    act(() => {
      if (list) list.scrollTop = 48 * 20;
      list?.dispatchEvent(new Event("scroll"));
    });
    await pass();
    expect(model.last("search").cursor).toBe("hub:2");
    await found([row("o/m29"), row("o/m30")]);
    expect(ids().filter((id) => id === "o/m29")).toHaveLength(1);
    expect(ids()).toContain("o/m30");
    expect(model.of("search")).toHaveLength(2);
  });

  it("sends its filters, and takes what was empty out", async () => {
    await open();
    await found([]);
    expect(el.textContent).toContain("hub.none_found");
    const size = el.querySelector<HTMLSelectElement>('select[aria-label="hub.filter.size"]');
    if (size) size.value = "tiny";
    act(() => void size?.dispatchEvent(new Event("change", { bubbles: true })));
    await pass();
    expect(model.last("search").query).toEqual({ size: "tiny", sort: "trending" });
  });

  it("says that the Hub cannot be reached, and why a search was refused", async () => {
    await open();
    await found([row("o/m", { cached: true, gated: "manual" })], null, { offline: true, note: "No network." });
    expect(el.querySelector(".nbt-hub-note")?.textContent).toContain("No network.");
    expect(el.querySelector(".nbt-hub-marks")?.textContent).toContain("hub.here");
    expect(el.querySelector(".nbt-hub-marks")?.textContent).toContain("hub.gated");
    const task_ = el.querySelector<HTMLSelectElement>('select[aria-label="hub.filter.task"]');
    if (task_) task_.value = "fill-mask";
    act(() => void task_?.dispatchEvent(new Event("change", { bubbles: true })));
    await pass();
    await reply(() => model.refuse("search", { kind: "HubError", message: "429: too many requests." }));
    expect(alert()).toContain("too many requests");
    await press("button.retry");
    await found([row("o/m")]);
    expect(ids()).toEqual(["o/m"]);
  });
});

describe("the details", () => {
  it("draw the card as text, and link to https alone", async () => {
    await open();
    const span = (text: string, href = "", style = "") => ({ text, href, style });
    const card = [
      block("heading", { level: 1, spans: [span("<img src=x onerror=1>")] }),
      block("paragraph", { spans: [span("good", "https://e.org/a"), span("bad", "javascript:alert(1)")] }),
      block("list", { ordered: true, items: [[block("paragraph", { spans: [span("one", "", "strong")] })]] }),
      block("quote", { items: [[block("paragraph", { spans: [span("said")] })]] }),
      block("code", { text: "<script>1</script>" }),
      block("table", { cells: [[[span("head")]], [[span("cell", "http://e.org")]]] }),
      block("rule"),
    ];
    await choose("o/m", { card });
    const shown = el.querySelector(".nbt-card");
    expect(shown?.querySelector("img, script")).toBeNull();
    expect(shown?.textContent).toContain("<img src=x onerror=1>");
    const links = [...(shown?.querySelectorAll("a") ?? [])];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://e.org/a"]);
    expect(links[0]?.rel).toBe("noopener noreferrer");
    expect(links[0]?.target).toBe("_blank");
    expect(shown?.querySelector("ol li strong")?.textContent).toBe("one");
    expect(shown?.querySelector("thead th")?.textContent).toBe("head");
    expect(shown?.querySelector("pre")?.textContent).toBe("<script>1</script>");
  });

  it("take no address for safe but https", () => {
    expect(["https://a.b", "http://a.b", "data:text/html,1", "//a.b", ""].map(isSafe)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("say whether it fits, part by part, and ask again for another optimizer", async () => {
    await open();
    await choose("o/m");
    expect([...el.querySelectorAll(".nbt-verdict")].map((each) => each.getAttribute("data-verdict"))).toEqual([
      "fits",
      "no",
    ]);
    await tab("fit");
    const [, training] = el.querySelectorAll(".nbt-fit-bar");
    expect([...(training?.querySelectorAll("span") ?? [])].map(({ style }) => style.inlineSize)).toEqual([
      "25%",
      "25%",
      "50%",
    ]);
    expect(training?.querySelector("i")?.style.insetInlineStart).toBe("62.5%");
    const optimizer = el.querySelector<HTMLSelectElement>('select[id$="-optimizer"]');
    if (optimizer) optimizer.value = "sgd";
    act(() => void optimizer?.dispatchEvent(new Event("change", { bubbles: true })));
    await pass();
    expect(model.last("hub_facts").training).toMatchObject({ optimizer: "sgd" });
    expect(el.querySelectorAll(".nbt-fit-bar")).toHaveLength(2); // what is known stays in sight
    await tab("files");
    expect(el.querySelectorAll(".nbt-files-unsafe")).toHaveLength(1);
  });

  it("let code of the repository run only after a word for it", async () => {
    await open();
    await choose("o/m", { remote_code: true });
    expect(button(el, "hub.download").disabled).toBe(true);
    act(() => el.querySelector<HTMLInputElement>(".nbt-hub-consent input")?.click());
    await press("hub.download");
    expect(model.last("download")).toMatchObject({ repository: "o/m", revision: null, trust_remote_code: true });
    await reply(() => model.refuse("download", { kind: "HubError", message: "The disk is full." }));
    expect(alert()).toContain("disk is full");
  });

  it("say in place of a button why it cannot be downloaded", async () => {
    await open();
    await choose("o/m", { problem: "It is gated." });
    expect(el.querySelector(".nbt-hub-problem")?.textContent).toBe("It is gated.");
    expect(el.querySelector(".nbt-hub-get")).toBeNull();
  });
});

describe("the queue", () => {
  it("shows bytes, speed and time left, and is asked for while something comes", async () => {
    await open([download("d1")]);
    await press("models.queue.count");
    expect(el.querySelector(".nbt-download-facts")?.textContent).toBe("512 B of 2 KiB · 1 KiB/s · 1m 30s left");
    const asked = model.of("downloads").length;
    await pass(1100);
    expect(model.of("downloads").length).toBe(asked + 1);
    await reply(() => model.accept("downloads", { downloads: [download("d1", { phase: "stopped", have: 1024 })] }));
    act(() => model.beat());
    await pass(1100);
    act(() => model.beat());
    await pass(1100);
    expect(model.of("downloads").length).toBe(asked + 1);
    await press("models.queue.resume");
    expect(model.last("resume_download").download).toBe("d1");
  });

  it("stops, goes on, gives up, and says why something failed", async () => {
    await open([download("d1"), download("d2", { phase: "failed", error: "The connection was cut." })]);
    await press("models.queue.count");
    expect(alert()).toContain("connection was cut");
    await press("models.queue.stop");
    expect(model.last("stop_download").download).toBe("d1");
    await press("models.queue.drop");
    expect(model.last("drop_download").download).toBe("d2");
    await reply(() => model.refuse("drop_download", { kind: "CommandError", message: "Another kernel has it." }));
    expect(alert()).toContain("Another kernel");
  });

  it("goes on with what the user allows, where that is what was wanting", async () => {
    await open([download("d0"), download("d1", { phase: "failed", error: "It is a pickle.", question: "convert" })]);
    await press("models.queue.count");
    expect(el.textContent).toContain("models.ask.convert.help");
    await press("models.ask.convert.yes");
    expect(model.last("resume_download")).toMatchObject({ download: "d1", options: { convert: true } });
  });

  it("says when one failed, and that this is no good news", async () => {
    await open([download("d1")]);
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [task("t1")] }));
    await pass();
    const error = { kind: "HubError", message: "cut" };
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [task("t1", { phase: "failed", error })] }));
    await pass();
    await reply(() => model.accept("downloads", { downloads: [download("d1", { phase: "failed", error: "cut" })] }));
    expect(el.querySelector(".nbt-toast-failed")?.textContent).toContain("models.said.download_failed");
  });

  it("says when one is here, and leads to it", async () => {
    await open([download("d1")]);
    await found([row("o/m")]);
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [task("t1")] }));
    await pass();
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [task("t1", { phase: "done" })] }));
    await pass();
    await reply(() => model.accept("downloads", { downloads: [download("d1", { phase: "done", model: "m1" })] }));
    expect(toast()).toContain("o/m is here");
    expect(el.querySelector(".nbt-hub-marks")?.textContent).toContain("hub.here");
    await press("models.queue");
    await press("models.queue.show");
    expect(model.last("facts").model).toBe("m1");
  });
});
