import { float64, tableFromArrays, tableToIPC, utf8 } from "@uwdata/flechette";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { distributionOf, ends } from "../src/dataset_preview/bars";
import { Chunks } from "../src/dataset_preview/chunks";
import { layOut, slotsSeen, spread, widthFor } from "../src/dataset_preview/layout";
import { Exact, parseNested } from "../src/dataset_preview/nested";
import { figure, Page } from "../src/dataset_preview/page";
import { DatasetPreview } from "../src/dataset_preview/panel";
import { EVERYTHING, nextSort, toggleFilter } from "../src/dataset_preview/query";
import { ROW_HEIGHT, Scroll } from "../src/dataset_preview/scroll";
import type { ColumnProfile, Setup, TableColumn } from "../src/dataset_preview/wire";
import { I18n } from "../src/shared/i18n";
import { button, draw, FakeModel, type } from "./fake";

const HOSTILE = `<img src=x onerror="window.pwned=1">`;
const COLUMNS: TableColumn[] = [
  { name: "label", kind: "text", type: "VARCHAR" },
  { name: HOSTILE, kind: "text", type: "VARCHAR" },
  { name: "score", kind: "number", type: "DOUBLE" },
];
const SETUP: Setup = {
  name: "a.csv",
  columns: COLUMNS,
  target: null,
  tokenizer: null,
  page_rows: 100,
  importable: false,
};
const WORDS = {
  "data.search": "Search",
  "data.rows": "{count} rows",
  "data.found": "{found} of {total} rows",
  "data.counting": "Counting",
  "data.missing": "Missing",
  "data.row": "Row {row}",
  "data.filter.eq": "{column} is {value}",
  "data.filter.remove": "Remove",
  "data.nothing.title": "No row fits",
  "data.nothing.clear": "Show all rows",
  "data.sort.help": "Sort by {column}",
  "data.profile.cancel": "Cancel",
  "data.profile.at": "Measuring {share}",
  "data.close": "Close",
  "data.copy": "Copy",
  "data.columns": "Columns",
  "button.retry": "Try again",
  "button.cancel": "Cancel",
  "data.import": "Import",
  "data.import.at": "Importing {share}",
  "data.import.done": "Kept as {name}",
  "data.import.failed": "Not imported: {message}",
  "data.import.cancelled": "Called off",
};
const WORDS_OBJECT = new I18n(WORDS, "en", "ltr");

const PROFILE: ColumnProfile = {
  name: "label",
  kind: "text",
  type: "VARCHAR",
  rows: 10,
  missing: 0,
  distinct: 2,
  minimum: null,
  maximum: null,
  mean: null,
  std: null,
  quantiles: [],
  zeros: null,
  infinite: null,
  histogram: null,
  top: [
    { value: "ham", count: 8, cut: false },
    { value: HOSTILE, count: 2, cut: false },
  ],
  characters: null,
  tokens: null,
  right_to_left: null,
  elements: null,
  pictures: null,
};

function rows(first: number, count: number): DataView {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  const bytes = tableToIPC(
    tableFromArrays(
      {
        row: numbers,
        c0: numbers.map((number) => (number % 2 ? "spam" : "ham")),
        c1: numbers.map((number) => (number === 1 ? null : HOSTILE)),
        n1: numbers.map((number) => (number === 2 ? 500 : null)),
        c2: numbers.map((number) => number / 3),
      },
      { types: { row: float64(), c0: utf8(), c1: utf8(), n1: float64(), c2: float64() } },
    ),
    { format: "stream" },
  );
  if (!bytes) throw new Error("No bytes.");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function settle(): Promise<void> {
  await act(async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

describe("scrolling", () => {
  it("is as it looks in a table that fits into an element", () => {
    const scroll = new Scroll();
    scroll.resize(1000, 280);
    expect(scroll.height).toBe(28_000);
    scroll.moved(2800);
    expect(scroll.seen).toEqual([100, 110]);
    expect(scroll.place(100)).toBe(2800);
  });

  it("reaches the last of four million rows, and each on the way", () => {
    const scroll = new Scroll();
    scroll.resize(4_000_000, 280);
    expect(scroll.height).toBe(10_000_000);
    scroll.moved(10_000_000 - 280);
    expect(scroll.seen).toEqual([3_999_990, 4_000_000]);
    expect(scroll.place(3_999_999) + ROW_HEIGHT).toBeCloseTo(10_000_000, 5);
    scroll.moved(5_000_000);
    const [middle] = scroll.seen;
    scroll.moved(5_000_000 + 56); // a turn of the wheel
    expect(scroll.seen[0] - middle).toBe(2);
    const before = scroll.place(middle) - 5_000_056;
    scroll.anchored(scroll.scrollTop);
    expect(scroll.place(middle) - scroll.scrollTop).toBeCloseTo(before, 5); // nothing moves under the reader's eyes
  });

  it("notices when the scrollbar is at its end and the table is not", () => {
    const scroll = new Scroll();
    scroll.resize(4_000_000, 280);
    scroll.moved(1_000);
    for (let top = 1_000; top >= 0; top -= 100) scroll.moved(top);
    expect(scroll.top).toBeGreaterThan(0);
    expect(scroll.astray).toBe(true);
  });

  it("brings a row into view by as little as possible, and stays in the table when it shrinks", () => {
    const scroll = new Scroll();
    scroll.resize(4_000_000, 280);
    scroll.reveal(3_000_000);
    expect(scroll.seen).toEqual([2_999_991, 3_000_001]);
    scroll.reveal(2_999_995);
    expect(scroll.seen[0]).toBe(2_999_991);
    scroll.resize(5, 280);
    expect(scroll.seen).toEqual([0, 5]);
  });
});

describe("chunks", () => {
  it("are asked for two at a time, kept, and let go of when there are too many", async () => {
    const asked: number[] = [];
    const dropped: number[] = [];
    const chunks = new Chunks<number>(10, 2, {
      load: async (offset) => {
        asked.push(offset);
        return offset;
      },
      cancel: () => undefined,
      drop: (chunk) => void dropped.push(chunk),
    });
    chunks.want(0, 30);
    expect(asked).toEqual([0, 10]);
    await vi.waitFor(() => expect(chunks.at(25)).toEqual({ chunk: 20, place: 5 }));
    expect(asked).toEqual([0, 10, 20]);
    chunks.want(50, 55);
    await vi.waitFor(() => expect(chunks.at(50)).toBeDefined());
    expect(dropped).toEqual([0, 10]);
    chunks.clear();
    expect([...dropped].sort((a, b) => a - b)).toEqual([0, 10, 20, 50]);
  });

  it("that are wanted no more are called off, and their late answers dropped", async () => {
    const open = new Map<number, (value: number) => void>();
    const cancelled: string[] = [];
    const dropped: number[] = [];
    const calls = new Map<number, string>();
    const chunks = new Chunks<number>(10, 5, {
      load: (offset, _, call) => {
        calls.set(offset, call);
        return new Promise((resolve) => open.set(offset, resolve));
      },
      cancel: (call) => void cancelled.push(call),
      drop: (chunk) => void dropped.push(chunk),
    });
    chunks.want(0, 10);
    chunks.want(500, 510);
    await vi.waitFor(() => expect(open.has(500)).toBe(true));
    expect(cancelled).toEqual([calls.get(0)]);
    open.get(0)?.(0);
    open.get(500)?.(500);
    await vi.waitFor(() => expect(chunks.at(500)).toBeDefined());
    expect([chunks.at(0), dropped]).toEqual([undefined, [0]]);
  });

  it("that fail are not asked for again and again", async () => {
    let count = 0;
    const chunks = new Chunks<number>(10, 5, {
      load: () => {
        count++;
        return Promise.reject(new Error("broken"));
      },
      cancel: () => undefined,
    });
    chunks.want(0, 10);
    await vi.waitFor(() => expect(chunks.failure.get()).toBeInstanceOf(Error));
    chunks.want(0, 10);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(count).toBe(1);
    chunks.retry();
    expect(count).toBe(2);
  });
});

describe("cells", () => {
  it("are read out of Arrow by place", () => {
    const page = new Page(rows(40, 5));
    expect([page.count, page.row(2)]).toEqual([5, 42]);
    expect(page.cell(1, 0)).toEqual({ text: "spam", full: null });
    expect(page.cell(2, 2).text).toBe("14");
    expect(page.cell(0, 7)).toEqual({ text: null, full: null });
  });

  it("with numbers are written in Latin digits that can be compared", () => {
    expect([0.1 + 0.2, 1 / 3, -5, 1e300, 2 ** 62, 1e-9, Number.NaN].map((n) => figure(n))).toEqual([
      "0.3",
      "0.3333333",
      "−5",
      "1e300",
      "4.611686e18",
      "1e-9",
      "NaN",
    ]);
    expect(figure(123_456_789)).toBe("123456789");
  });

  it("that are nested keep the digits of their numbers", () => {
    const value = parseNested('{"id": 1152921504606846977, "x": [1.5]}', true) as { id: unknown; x: unknown };
    expect(value.id instanceof Exact ? value.id.source : value.id).toBe("1152921504606846977");
    expect(value.x).toEqual([1.5]);
    expect(parseNested('["1152921504606846977", 0.1152921504606846977]', true)).toEqual([
      "1152921504606846977",
      0.11529215046068469,
    ]);
    expect(parseNested("[not json", false)).toBeUndefined();
    expect(parseNested("12", false)).toBeUndefined();
  });
});

describe("columns", () => {
  it("stand side by side without those that are hidden, and only those in view are drawn", () => {
    const layout = layOut(COLUMNS, new Set(["label"]), new Map([["score", 300]]), 4_000_000);
    expect(layout.slots.map(({ index }) => index)).toEqual([1, 2]);
    expect(layout.slots[1]?.start).toBe(layout.numbers + (layout.slots[0]?.width ?? 0));
    const many = Array.from(
      { length: 500 },
      (_, index): TableColumn => ({ ...COLUMNS[2], name: `c${index}` }) as never,
    );
    expect(slotsSeen(layOut(many, new Set(), new Map(), 10), 20_000, 800).length).toBeLessThan(12);
  });

  it("are as wide as their cells need, within bounds", () => {
    const cells = (length: number) => Array.from({ length: 9 }, () => ({ text: "x".repeat(length), full: null }));
    const [column] = COLUMNS as [TableColumn];
    expect(widthFor(column, cells(500))).toBe(340);
    expect(widthFor(column, cells(2))).toBe(116);
    expect(widthFor(column, cells(25))).toBeGreaterThan(180);
  });

  it("share what room is left among those whose texts are long", () => {
    expect(spread(COLUMNS, [116, 340, 120], 1000)).toEqual([116, 764, 120]);
    expect(spread(COLUMNS, [116, 340, 120], 500)).toEqual([116, 340, 120]);
    expect(spread(COLUMNS, [116, 200, 120], 1000)).toEqual([116, 200, 120]);
  });

  it("draw their few values, else their histogram, else lengths", () => {
    const few = distributionOf(PROFILE, WORDS_OBJECT);
    expect(few?.bars.map(({ text, count }) => [text, count])).toEqual([
      ["ham", 8],
      [HOSTILE, 2],
    ]);
    expect(few?.bars[0]?.filter).toEqual({ column: "label", op: "eq", value: "ham" });
    const cut = distributionOf({ ...PROFILE, top: [{ value: "x".repeat(1000), count: 10, cut: true }] }, WORDS_OBJECT);
    expect(cut?.bars[0]?.filter).toBeNull(); // its beginning alone would find nothing
    const histogram = { edges: [0, 5, 10], counts: [3, 7] };
    const numbers = { ...PROFILE, distinct: 9000, top: [], histogram, minimum: 0.5, maximum: 9.5 };
    expect(distributionOf(numbers, WORDS_OBJECT)).toMatchObject({ from: "0.5", to: "9.5" });
    expect(distributionOf(numbers, WORDS_OBJECT)?.bars[1]?.filter?.value).toEqual([5, 10]);
    const lengths = { minimum: 1, maximum: 9, mean: 5, quantiles: [], histogram, cells: 10, sampled: false };
    const texts = distributionOf({ ...PROFILE, distinct: 10, top: [], characters: lengths }, WORDS_OBJECT);
    expect(texts?.bars.map(({ filter }) => filter)).toEqual([null, null]);
    expect(distributionOf({ ...PROFILE, missing: 10, top: [] }, WORDS_OBJECT)).toBeNull();
  });

  it("of dates say the days", () => {
    const days = { ...PROFILE, minimum: "2024-01-01T05:00:00", maximum: "2024-05-04T07:00:00" };
    expect(ends(days)).toEqual({ from: "2024-01-01", to: "2024-05-04" });
    expect(ends({ ...days, maximum: "2024-01-01T07:00:00" }).from).toBe("2024-01-01 05:00:00");
  });
});

describe("queries", () => {
  it("are sorted up, down, and not at all", () => {
    const up = nextSort(EVERYTHING, "a");
    const down = nextSort(up, "a");
    expect([up.sort[0]?.descending, down.sort[0]?.descending, nextSort(down, "a").sort]).toEqual([false, true, []]);
    expect(nextSort(down, "b").sort).toEqual([{ column: "b", descending: false }]);
  });

  it("have one filter a column, which the same press takes away", () => {
    const ham = { column: "label", op: "eq", value: "ham" } as const;
    const one = toggleFilter(EVERYTHING, ham);
    const other = toggleFilter(one, { ...ham, value: "spam" });
    expect(other.filters).toEqual([{ ...ham, value: "spam" }]);
    expect(toggleFilter(one, ham).filters).toEqual([]);
  });
});

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
