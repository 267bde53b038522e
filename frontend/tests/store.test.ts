import { describe, expect, it, vi } from "vitest";
import { Store } from "../src/shared/store";
import type { Delta, HardwareSample, SeriesPart, Snapshot } from "../src/shared/wire";
import { floats, ints, RUN } from "./fake";

const PART: SeriesPart = {
  run: "r1",
  name: "loss",
  count: 0,
  total: 0,
  reset: false,
  first: 0,
  stride: 1,
  steps: null,
  values: 0,
};

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return { type: "snapshot", seq: 1, states: [], series: [], ...more };
}

function delta(more: Partial<Delta> = {}): Delta {
  return { type: "delta", seq: 2, states: [], series: [], ...more };
}

describe("series", () => {
  it("grow by parts with a stride or with steps of their own", () => {
    const store = new Store();
    store.apply(snapshot({ series: [{ ...PART, count: 3, total: 3, first: 10, stride: 5 }] }), [floats(1, 2, 3)]);
    store.apply(delta({ series: [{ ...PART, count: 2, total: 5, values: 1, steps: 0 }] }), [
      ints(100, 107),
      floats(4, 5),
    ]);
    const series = store.series("r1", "loss");
    expect([...(series?.steps ?? [])]).toEqual([10, 15, 20, 100, 107]);
    expect([...(series?.values ?? [])]).toEqual([1, 2, 3, 4, 5]);
    expect(series?.total).toBe(5);
    expect(series?.last).toBe(5);
  });

  it("keep what they hold while they grow past their space", () => {
    const store = new Store();
    store.apply(snapshot(), []);
    for (let index = 0; index < 1000; index++) {
      store.apply(delta({ series: [{ ...PART, count: 1, total: index + 1, first: index }] }), [floats(index)]);
    }
    const series = store.series("r1", "loss");
    expect(series?.length).toBe(1000);
    expect([...(series?.steps ?? [])]).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(series?.values[517]).toBe(517);
  });

  it("are forgotten by reset, and only the one that is named", () => {
    const store = new Store();
    const val = { ...PART, name: "val_loss" };
    store.apply(
      snapshot({
        series: [
          { ...PART, count: 2 },
          { ...val, count: 2 },
        ],
      }),
      [floats(1, 2)],
    );
    store.apply(delta({ series: [{ ...PART, count: 1, first: 7, reset: true }] }), [floats(9)]);
    expect([...(store.series("r1", "loss")?.values ?? [])]).toEqual([9]);
    expect(store.series("r1", "val_loss")?.length).toBe(2);
  });

  it("read buffers that do not begin at a multiple of four bytes", () => {
    const bytes = new ArrayBuffer(9);
    new DataView(bytes).setFloat32(1, 0.5, true);
    new DataView(bytes).setFloat32(5, 0.25, true);
    const store = new Store();
    store.apply(snapshot({ series: [{ ...PART, count: 2 }] }), [new DataView(bytes, 1)]);
    expect([...(store.series("r1", "loss")?.values ?? [])]).toEqual([0.5, 0.25]);
  });

  it("refuse a part whose buffer is missing or too short", () => {
    const store = new Store();
    expect(() => store.apply(snapshot({ series: [{ ...PART, count: 2 }] }), [])).toThrow("2 points");
    expect(() => store.apply(snapshot({ series: [{ ...PART, count: 2 }] }), [floats(1)])).toThrow("4 bytes");
  });

  it("keep NaN and infinity as they came", () => {
    const store = new Store();
    store.apply(snapshot({ series: [{ ...PART, count: 2 }] }), [floats(Number.NaN, Number.POSITIVE_INFINITY)]);
    expect([...(store.series("r1", "loss")?.values ?? [])]).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });
});

describe("states", () => {
  it("not named in a delta stay; a snapshot replaces them all", () => {
    const store = new Store();
    store.apply(snapshot({ states: [RUN, { ...RUN, run: "r2" }], series: [{ ...PART, count: 1 }] }), [floats(1)]);
    store.apply(delta({ states: [{ ...RUN, step: 1300 }] }), []);
    expect([...store.states.get().keys()]).toEqual(["r1", "r2"]);
    expect(store.states.get().get("r1")?.step).toBe(1300);
    store.apply(snapshot({ states: [{ ...RUN, run: "r3" }] }), []);
    expect([...store.states.get().keys()]).toEqual(["r3"]);
    expect(store.names("r1")).toEqual([]);
  });

  it("tell their watchers once a message, and not those that left", () => {
    const store = new Store();
    const stays = vi.fn();
    const leaves = vi.fn();
    store.states.subscribe(stays);
    store.states.subscribe(leaves)();
    store.apply(snapshot({ states: [RUN] }), []);
    store.apply(delta({ series: [{ ...PART, count: 1 }] }), [floats(1)]);
    expect(stays).toHaveBeenCalledTimes(1);
    expect(leaves).not.toHaveBeenCalled();
  });

  it("are not ready before the first snapshot", () => {
    const store = new Store();
    expect(store.ready.get()).toBe(false);
    store.apply(snapshot(), []);
    expect(store.ready.get()).toBe(true);
  });
});

describe("hardware", () => {
  it("is kept for some minutes, oldest first", () => {
    const store = new Store();
    const sample = (time: number) => ({ time }) as HardwareSample;
    store.apply(snapshot({ hardware: [sample(0)] }), []);
    for (let time = 1; time < 700; time++) store.apply(delta({ hardware: [sample(time)] }), []);
    const kept = store.hardware.get();
    expect(kept).toHaveLength(600);
    expect(kept[0]?.time).toBe(100);
    expect(kept.at(-1)?.time).toBe(699);
  });
});
