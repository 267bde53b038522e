import { describe, expect, it } from "vitest";
import { decimate, emptyLine, LIMIT, lowerBound } from "../src/shared/charts/decimate";
import { Pyramid } from "../src/shared/charts/pyramid";

/** Numbers 0–1 that are the same in every run (Lehmer). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function walk(length: number, seed: number, odd = 0): Float32Array {
  const next = random(seed);
  let level = 1;
  return Float32Array.from({ length }, () => {
    level += next() - 0.5;
    if (next() < odd)
      return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][Math.floor(next() * 3)] ?? 0;
    return level;
  });
}

function naive(values: Float32Array, from: number, to: number, floor = Number.NEGATIVE_INFINITY) {
  const part = [...values.subarray(from, to)];
  const usable = part.filter((value) => value > floor && value < Number.POSITIVE_INFINITY);
  const odd = part.findIndex((value) => !(value > floor && value < Number.POSITIVE_INFINITY));
  return {
    low: Math.min(...usable),
    high: Math.max(...usable),
    odd: odd < 0 ? -1 : from + odd,
    none: usable.length === 0,
  };
}

describe("pyramid", () => {
  it.each([0, 0.02, 0.5, 1])("finds what a plain search finds, with a share of %d not finite", (share) => {
    const next = random(11);
    const values = walk(3000, 5, share);
    const pyramid = new Pyramid();
    let length = 0;
    while (length < values.length) {
      length = Math.min(values.length, length + 1 + Math.floor(next() * 200));
      pyramid.extend(values.subarray(0, length));
      for (let k = 0; k < 20; k++) {
        const from = Math.floor(next() * length);
        const to = from + 1 + Math.floor(next() * (length - from));
        const found = pyramid.query(from, to);
        const wanted = naive(values, from, to);
        expect(found.odd).toBe(wanted.odd);
        if (wanted.none) expect([found.low, found.high]).toEqual([-1, -1]);
        else expect([values[found.low], values[found.high]]).toEqual([wanted.low, wanted.high]);
      }
    }
  });

  it("with a floor of zero sees positive values only, for a log axis", () => {
    const values = walk(800, 3).map((value) => value - 1);
    const pyramid = new Pyramid(0);
    pyramid.extend(values);
    const found = pyramid.query(10, 790);
    const wanted = naive(values, 10, 790, 0);
    expect([values[found.low], values[found.high], found.odd]).toEqual([wanted.low, wanted.high, wanted.odd]);
  });

  it("forgets everything when cleared", () => {
    const pyramid = new Pyramid();
    pyramid.extend(Float32Array.from({ length: 100 }, () => 9));
    pyramid.clear();
    const values = walk(100, 8);
    pyramid.extend(values);
    expect(values[pyramid.query(0, 100).high]).toBe(naive(values, 0, 100).high);
  });
});

function line(steps: ArrayLike<number>, values: Float32Array, first: number, last: number, limit = LIMIT) {
  const pyramid = new Pyramid();
  pyramid.extend(values);
  return decimate(emptyLine(), pyramid, steps, values, values.length, first, last, limit);
}

describe("decimation", () => {
  it("keeps every peak and dip of a long series within the limit", () => {
    const values = walk(200_000, 21);
    values[123_456] = 1e6;
    values[77_777] = -1e6;
    const steps = Float64Array.from(values, (_, index) => index + 1);
    const drawn = line(steps, values, 1, values.length);
    expect(drawn.length).toBeLessThanOrEqual(LIMIT);
    expect(drawn.length).toBeGreaterThan(LIMIT / 4);
    expect([drawn.low, drawn.high]).toEqual([-1e6, 1e6]);
    const points = Array.from({ length: drawn.length }, (_, i) => [drawn.x[i], drawn.y[i]]);
    expect(points).toContainEqual([123_457, 1e6]);
    expect(points).toContainEqual([77_778, -1e6]);
  });

  it("gives the lowest and the highest of every column, in their order", () => {
    const values = walk(50_000, 4);
    const steps = Float64Array.from(values, (_, index) => index);
    const drawn = line(steps, values, 0, values.length - 1, 400);
    const xs = [...drawn.x.subarray(0, drawn.length)];
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    const width = 256; // the power of two at or above 50,000 / 197
    for (let start = 0; start < values.length; start += width) {
      const wanted = naive(values, start, Math.min(values.length, start + width));
      const inside = xs.flatMap((x, i) => (x >= start && x < start + width ? [drawn.y[i] as number] : []));
      expect([Math.min(...inside), Math.max(...inside)]).toEqual([wanted.low, wanted.high]);
    }
  });

  it("does not move what is drawn already while points come in", () => {
    const values = walk(60_000, 6);
    const steps = Float64Array.from(values, (_, index) => index);
    const before = line(steps, values.subarray(0, 50_000), 0, 49_999, 400);
    const after = line(steps, values.subarray(0, 50_100), 0, 50_099, 400);
    const early = (drawn: typeof before) => [...drawn.y.subarray(0, drawn.length - 6)].slice(0, 300);
    expect(early(after)).toEqual(early(before));
  });

  it("spreads its points over the steps, however unevenly they lie", () => {
    // Thinned out history, then every step: as after a reload in the middle of a run.
    const steps = Float64Array.from({ length: 54_000 }, (_, i) => (i < 4000 ? i * 250 : 1_000_000 + i - 4000));
    const drawn = line(steps, walk(54_000, 2), 0, 1_050_000);
    const early = [...drawn.x.subarray(0, drawn.length)].filter((x) => x < 1_000_000).length;
    expect(early).toBeGreaterThan(drawn.length * 0.8);
  });

  it("gives every point when they are few, and one neighbour on either side of the view", () => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    const drawn = line([0, 10, 20, 30, 40, 50], values, 15, 30);
    expect([...drawn.x.subarray(0, drawn.length)]).toEqual([10, 20, 30, 40]);
    expect([drawn.low, drawn.high]).toEqual([3, 4]);
  });

  it("breaks the line where a value is not finite, and says where, at any density", () => {
    const values = walk(100_000, 9);
    values[60_000] = Number.NaN;
    const steps = Float64Array.from(values, (_, index) => index);
    for (const [first, last] of [
      [0, 99_999],
      [59_900, 60_100],
    ] as const) {
      const drawn = line(steps, values, first, last);
      expect(drawn.odd).toEqual([60_000]);
      const gap = drawn.y.subarray(0, drawn.length).findIndex(Number.isNaN);
      expect(drawn.x[gap]).toBe(60_000);
    }
  });

  it("has nothing to scale by when nothing can be drawn", () => {
    const drawn = line([1, 2], Float32Array.of(Number.NaN, Number.NaN), 1, 2);
    expect([drawn.low, drawn.high]).toEqual([Number.NaN, Number.NaN]);
    expect(drawn.odd).toEqual([0, 1]);
  });

  it("searches as a plain search does", () => {
    const steps = [1, 1, 4, 9];
    expect([0, 1, 2, 9, 10].map((step) => lowerBound(steps, 4, step))).toEqual([0, 0, 2, 3, 4]);
  });
});
