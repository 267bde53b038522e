import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DatasetPreview } from "../src/dataset_preview/panel";
import { EVERYTHING } from "../src/dataset_preview/query";
import { HOSTILE, PROFILE, rows, SETUP, settle, WORDS } from "./dataset_preview_table";
import { button, draw, FakeModel, type } from "./fake";

describe("the preview", () => {
  let model: FakeModel;
  let el: HTMLElement;
  let close: () => void;

  beforeEach(() => {
    // Nothing is laid out here, so the table is told how large it is.
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(900);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(480);
    model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: SETUP });
    act(() => {
      ({ el, close } = draw(DatasetPreview, model));
    });
    act(() => model.snapshot());
  });

  afterEach(() => act(() => close()));

  /** Answers the last request of a kind; a page with its rows. */
  async function answer(kind: string, result: unknown, buffers: DataView[] = []): Promise<void> {
    model.message({ type: "reply", id: model.last(kind).id, ok: true, result }, buffers);
    await settle();
  }

  const first = async (count = 5, found: number | null = 5): Promise<void> =>
    answer("page", { rows: found }, [rows(0, count)]);
  const grid = (): HTMLElement => el.querySelector("[role=grid]") as HTMLElement;
  const press = (key: string, more: KeyboardEventInit = {}): void => {
    act(() => void grid().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more })));
  };
  const cell = (row: number, column: number): HTMLElement =>
    el.querySelectorAll(".nbt-row")[row]?.querySelector(`[data-column="${column}"]`) as HTMLElement;

  it("asks for the first page at once, and draws grey rows until it comes", async () => {
    expect(model.last("page")).toMatchObject({ query: EVERYTHING, offset: 0, limit: 100 });
    expect(el.querySelectorAll(".nbt-cell-waiting").length).toBeGreaterThan(3);
    await first();
    expect(el.querySelectorAll(".nbt-cell-waiting")).toHaveLength(0);
    expect(cell(0, 0).textContent).toBe("ham");
    expect(el.querySelector(".nbt-row-count")?.textContent).toBe("5 rows");
    expect(model.of("cancel")).toHaveLength(1); // the count, which the page has made needless
  });

  it("shows markup in cells and names as the text that it is, and what is missing as a dash", async () => {
    await first();
    expect(el.querySelector("img")).toBeNull();
    expect(cell(0, 1).textContent).toBe(HOSTILE);
    expect(cell(2, 1).textContent).toBe(`${HOSTILE}…`);
    expect(cell(1, 1).querySelector("[aria-label=Missing]")?.textContent).toBe("—");
    expect(el.querySelectorAll("[role=columnheader] bdi")[1]?.textContent).toBe(HOSTILE);
    expect(cell(0, 1).querySelector("[dir=auto]")).not.toBeNull();
  });

  it("sorts by a press on the head", async () => {
    await first();
    const head = el.querySelector<HTMLElement>('[title="Sort by score"]');
    act(() => head?.click());
    expect(model.last("page").query).toEqual({ ...EVERYTHING, sort: [{ column: "score", descending: false }] });
    expect(model.of("count")).toHaveLength(1); // as many rows as before
    expect(el.querySelectorAll("[aria-sort=ascending]")).toHaveLength(1);
  });

  it("searches when the typing pauses, and says when nothing fits", async () => {
    await first();
    vi.useFakeTimers();
    act(() => type(el.querySelector("input[type=search]") as HTMLInputElement, "hello"));
    expect(model.of("page")).toHaveLength(1);
    act(() => void vi.advanceTimersByTime(400));
    vi.useRealTimers();
    expect(model.last("page").query).toMatchObject({ search: "hello" });
    expect(el.querySelector(".nbt-row-count")?.textContent).toBe("Counting");
    await answer("page", { rows: 0 }, [rows(0, 0)]);
    expect(el.textContent).toContain("No row fits");
    expect(el.querySelector(".nbt-row-count")?.textContent).toBe("0 of 5 rows");
    act(() => button(el, "Show all rows").click());
    expect(model.last("page").query).toEqual(EVERYTHING);
  });

  it("measures the columns once the first page is on show, and filters by a press on a bar", async () => {
    expect(model.of("profiled")).toHaveLength(0);
    await first();
    await answer("profiled", { profile: null });
    await answer("profile", { task: "task-1" });
    const task = {
      task: "task-1",
      kind: "profile",
      title: "a.csv",
      done: 1,
      total: 4,
      unit: "",
      seconds: 0,
      error: null,
    };
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [{ ...task, phase: "running" }] }));
    expect(el.textContent).toContain("Measuring 25%");
    act(() => button(el, "Cancel").click());
    expect(model.last("cancel").task).toBe("task-1");
    act(() => model.push({ type: "delta", states: [], series: [], tasks: [{ ...task, phase: "done" }] }));
    const profile = { rows: 10, bytes: null, columns: [PROFILE], target: null, classes: [], other_classes: 0 };
    await answer("profiled", { profile });
    const bars = el.querySelectorAll<HTMLButtonElement>(".nbt-bars-bar");
    expect(bars).toHaveLength(2);
    act(() => bars[0]?.click());
    expect(model.last("page").query).toMatchObject({ filters: [{ column: "label", op: "eq", value: "ham" }] });
    expect(el.querySelector(".nbt-chip")?.textContent).toBe("\u2068label\u2069 is \u2068ham\u2069");
    act(() => button(el, "Remove").click());
    expect(model.last("page").query).toEqual(EVERYTHING);
  });

  it("is walked by keyboard: a cell opens whole, and closes", async () => {
    await first();
    press("ArrowDown");
    press("ArrowRight");
    press("ArrowDown");
    press("End");
    press("ArrowLeft");
    expect(grid().getAttribute("aria-activedescendant")).toBe(cell(1, 1).id);
    expect(cell(1, 1).getAttribute("aria-selected")).toBe("true");
    press("Enter");
    expect(model.last("cell")).toMatchObject({ offset: 1, column: HOSTILE, query: EVERYTHING });
    await answer("cell", { row: 1, text: `{"a": "${"x".repeat(9)}"}`, length: 20, cut: false });
    expect(el.querySelector("aside")?.textContent).toContain("Row 2");
    expect(el.querySelector(".nbt-tree-name")?.textContent).toBe("a");
    press("Escape");
    expect(el.querySelector("aside")).toBeNull();
    press("Home", { ctrlKey: true });
    press("ArrowUp");
    press("Enter");
    expect(model.last("page").query).toMatchObject({ sort: [{ column: "label", descending: false }] });
  });

  it("copies a cell whole", async () => {
    const written: string[] = [];
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: async (text: string) => written.push(text) } });
    await first();
    press("ArrowDown");
    press("c", { ctrlKey: true });
    await answer("cell", { row: 0, text: "all of it", length: 9, cut: false });
    expect(written).toEqual(["all of it"]);
    vi.unstubAllGlobals();
  });

  it("tells why a page could not be read, and asks again", async () => {
    model.refuse("page", { kind: "DataFileError", message: `${HOSTILE} line 3` });
    await settle();
    expect(el.querySelector("[role=alert]")?.textContent).toContain(`${HOSTILE} line 3`);
    expect(el.querySelector("img")).toBeNull();
    act(() => button(el, "Try again").click());
    expect(model.of("page")).toHaveLength(2);
    await first();
    expect(el.querySelector("[role=alert]")).toBeNull();
  });

  it("hides columns that are not wanted, but never the last", async () => {
    await first();
    act(() => button(el, "Columns · 3").click());
    const boxes = (): HTMLInputElement[] => [...el.querySelectorAll<HTMLInputElement>(".nbt-menu-row input")];
    for (const place of [0, 1, 2]) act(() => boxes()[place]?.click());
    expect(el.querySelectorAll("[role=columnheader] bdi")).toHaveLength(1);
    expect(boxes().map((box) => box.checked)).toEqual([false, false, true]);
  });

  it("scrolls on while the rows are still being counted", async () => {
    await first(100, null);
    expect(grid().getAttribute("aria-rowcount")).toBe("-1");
    await answer("count", { rows: 4_000_000 });
    expect(grid().getAttribute("aria-rowcount")).toBe("4000001");
    expect((el.querySelector(".nbt-table-body") as HTMLElement).style.blockSize).toBe("10000000px");
  });

  it("offers no import of what is in the workspace", async () => {
    await first();
    expect(el.textContent).not.toContain("Import");
    expect(model.of("imported")).toHaveLength(0);
  });

  it("is imported in place, can be called off, and says the name", async () => {
    act(() => model.change("setup", { ...SETUP, importable: true }));
    await first();
    await answer("imported", { task: null, name: null });
    act(() => button(el, "Import").click());
    await answer("import", { task: "task-7" });
    const task = { task: "task-7", kind: "import", title: "a.csv", done: 1, total: 2, unit: "rows", seconds: 0 };
    const told = (phase: string, error: unknown = null): void => {
      act(() => model.push({ type: "delta", states: [], series: [], tasks: [{ ...task, phase, error }] }));
    };
    told("running");
    expect(el.querySelector(".nbt-profile-line")?.textContent).toContain("Importing 50%");
    expect(button(el, "Import").disabled).toBe(true);
    act(() => button(el, "Cancel").click());
    expect(model.last("cancel").task).toBe("task-7");
    told("cancelled");
    expect(el.textContent).toContain("Called off");
    act(() => button(el, "Import").click());
    await answer("import", { task: "task-8" });
    task.task = "task-8";
    told("failed", { kind: "DataFileError", message: HOSTILE });
    expect(el.textContent).toContain(`Not imported: ${HOSTILE}`);
    expect(el.querySelector("img")).toBeNull();
    act(() => button(el, "Try again").click());
    await answer("import", { task: "task-9" });
    task.task = "task-9";
    told("done");
    await answer("imported", { task: "task-9", name: HOSTILE });
    expect(el.textContent).toContain(`Kept as \u2068${HOSTILE}\u2069`);
    expect(el.textContent).not.toContain("Import");
  });
});
