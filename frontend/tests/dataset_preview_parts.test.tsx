import { describe, expect, it, vi } from "vitest";
import { distributionOf, ends } from "../src/dataset_preview/bars";
import { Chunks } from "../src/dataset_preview/chunks";
import { layOut, slotsSeen, spread, widthFor } from "../src/dataset_preview/layout";
import { Exact, parseNested } from "../src/dataset_preview/nested";
import { figure, Page } from "../src/dataset_preview/page";
import { EVERYTHING, nextSort, toggleFilter } from "../src/dataset_preview/query";
import { ROW_HEIGHT, Scroll } from "../src/dataset_preview/scroll";
import type { TableColumn } from "../src/dataset_preview/wire";
import { COLUMNS, HOSTILE, PROFILE, rows, WORDS_OBJECT } from "./dataset_preview_table";

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
