import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { linearTicks, logTicks, tickLabels, valueRange } from "../src/shared/charts/axis";
import { Detail, lacksDetail } from "../src/shared/charts/detail";
import { fewGroups, groupMetrics } from "../src/shared/charts/groups";
import { coloursOf } from "../src/shared/charts/palette";
import { Smoother } from "../src/shared/charts/smoothing";
import { Track } from "../src/shared/charts/track";
import { View } from "../src/shared/charts/view";
import { I18n } from "../src/shared/i18n";
import { RequestError } from "../src/shared/rpc";
import { Series } from "../src/shared/store";
import { floats, ints } from "./fake";

function series(values: readonly number[], stride = 1): Series {
  const made = new Series();
  made.append(Float32Array.from(values), (index) => index * stride);
  made.total = values.length;
  return made;
}

function points({ x, y, length }: { x: Float64Array; y: Float64Array; length: number }): number[][] {
  return Array.from({ length }, (_, i) => [x[i] as number, y[i] as number]);
}

const PLAIN = { smoothing: 0, log: false, limit: 2000 };

/** Smoothed in two parts, as a growing series is. */
function smooth(factor: number, values: readonly number[]): number[] {
  const smoother = new Smoother(factor);
  const out = new Float32Array(values.length);
  const all = Float32Array.from(values);
  const half = Math.floor(values.length / 2);
  smoother.extend(all.subarray(0, half), out, 0);
  smoother.extend(all, out, half);
  return [...out];
}

describe("smoothing", () => {
  it("is the weighted mean of the past, weights falling by the factor", () => {
    const values = [3, -1, 4, 1, -5, 9, 2, 6];
    const factor = 0.8;
    const smoothed = smooth(factor, values);
    values.forEach((_, n) => {
      const weights = values.slice(0, n + 1).map((_, i) => factor ** (n - i));
      const sum = weights.reduce((total, weight, i) => total + weight * (values[i] ?? 0), 0);
      expect(smoothed[n]).toBeCloseTo(sum / weights.reduce((a, b) => a + b), 5);
    });
  });

  it("leaves a series as it is at factor 0, and a constant one at any", () => {
    expect(smooth(0, [5, 7, -1])).toEqual([5, 7, -1]);
    expect(smooth(0.99, new Array(100).fill(2.5))).toEqual(new Array(100).fill(2.5));
  });

  it("passes over values that are not finite", () => {
    const smoothed = smooth(0.5, [1, Number.NaN, 3, Number.POSITIVE_INFINITY]);
    expect(smoothed).toEqual([1, Number.NaN, Math.fround((0.25 + 1.5) / 0.75), Number.NaN]);
  });

  it("refuses a factor that would never move", () => {
    expect(() => new Smoother(1)).toThrow("smoothing is 1");
  });
});

describe("track", () => {
  it("follows its series, smoothed as well, without starting anew", () => {
    const source = series([1, 2, 3]);
    const track = new Track(source);
    const style = { ...PLAIN, smoothing: 0.5 };
    track.smoothLine(0, 10, style);
    source.append(Float32Array.of(4), () => 3);
    const wanted = smooth(0.5, [1, 2, 3, 4]).map((value, step) => [step, value]);
    expect(points(track.smoothLine(0, 10, style))).toEqual(wanted);
    expect(points(track.line(0, 10, PLAIN))).toHaveLength(4);
  });

  it("forgets what a reset series forgot", () => {
    const source = series(Array.from({ length: 64 }, (_, step) => (step === 9 ? 100 : 1)));
    const track = new Track(source);
    track.line(0, 99, PLAIN);
    source.clear();
    source.append(
      Float32Array.from({ length: 64 }, (_, step) => 5 + step / 32),
      (index) => index,
    );
    expect(track.line(0, 99, PLAIN).high).toBe(5 + 63 / 32);
    expect(track.extremes()).toEqual({ low: 5, high: 5 + 63 / 32 });
  });

  it("on a log axis draws what is positive and marks the rest", () => {
    const line = new Track(series([1, 0, 0.1, -2, 10])).line(0, 10, { ...PLAIN, log: true });
    expect([line.low, line.high]).toEqual([Math.fround(0.1), 10]);
    expect(line.odd).toEqual([1, 3]);
  });

  it("reads the point nearest to a step", () => {
    const track = new Track(series([5, 6, 7], 10));
    expect([-3, 4, 6, 14, 99].map((step) => track.nearest(step)?.value)).toEqual([5, 5, 6, 6, 7]);
    expect(new Track(new Series()).nearest(1)).toBeNull();
  });
});

describe("groups", () => {
  const names = ["learning_rate", "loss", "grad_norm", "val_loss", "samples_per_second", "val_accuracy", "macro_f1"];

  it("put training and validation into one chart, loss first and the machine last", () => {
    expect(groupMetrics(names).map((group) => group.name)).toEqual([
      "loss",
      "accuracy",
      "macro_f1",
      "learning_rate",
      "samples_per_second",
      "grad_norm",
    ]);
    expect(groupMetrics(names)[0]).toEqual({ name: "loss", training: "loss", validation: "val_loss" });
    expect(groupMetrics(["val_"])[0]).toEqual({ name: "val_", training: "val_", validation: null });
  });

  it("leave loss, one metric, learning rate and throughput where there is room for four", () => {
    const few = fewGroups(groupMetrics(names)).map((group) => group.name);
    expect(few).toEqual(["loss", "accuracy", "learning_rate", "samples_per_second"]);
  });

  it("do not show the loss once more as its mean over an epoch", () => {
    const names = ["loss", "learning_rate", "train_loss", "val_loss"];
    expect(groupMetrics(names).map((group) => group.name)).toEqual(["loss", "learning_rate"]);
  });
});

describe("colours", () => {
  it("are yellow and blue for a run alone, and the same for a run wherever it is among others", () => {
    expect(coloursOf(4, true, "light")).toEqual({ training: "#A16207", validation: "#2563EB" });
    expect(coloursOf(0, false, "dark")).toEqual({ training: "#FDE047", validation: "#60A5FA" });
    expect(coloursOf(2, false, "light")).toEqual(coloursOf(2, false, "light"));
    const six = [0, 1, 2, 3, 4, 5].map((index) => coloursOf(index, false, "light").training);
    expect(new Set(six).size).toBe(6);
  });

  it("reach 3:1 against the ground they are drawn on", () => {
    const luminance = (hex: string): number => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a: string, b: string): number => {
      const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
      return (high + 0.05) / (low + 0.05);
    };
    for (const [theme, ground] of [
      ["light", "#FFFFFF"],
      ["dark", "#212121"],
    ] as const) {
      for (let index = 0; index < 6; index++) {
        for (const colour of Object.values(coloursOf(index, false, theme))) {
          expect(contrast(colour, ground), `${colour} on ${ground}`).toBeGreaterThanOrEqual(3);
        }
      }
    }
  });
});

describe("axis", () => {
  const words = new I18n({}, "en", "ltr");

  it("has round ticks inside its range", () => {
    expect(linearTicks(0.13, 0.92, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
    expect(linearTicks(0, 1_000_000, 5)).toEqual([0, 200_000, 400_000, 600_000, 800_000, 1_000_000]);
    expect(logTicks(0.001, 100, 6)).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
    expect(logTicks(0.3, 0.9, 4).length).toBeGreaterThan(2);
  });

  it("never falls below zero for what never does, and stays above zero when logarithmic", () => {
    expect(valueRange(0, 2, false)[0]).toBe(0);
    expect(valueRange(-1, 2, false)[0]).toBeLessThan(-1);
    const [low, high] = valueRange(0.001, 10, true);
    expect(low).toBeGreaterThan(0);
    expect(high).toBeGreaterThan(10);
    for (const log of [false, true]) {
      const [bottom, top] = valueRange(Number.NaN, Number.NaN, log);
      expect(top).toBeGreaterThan(bottom);
      expect(valueRange(3, 3, log)[1]).toBeGreaterThan(3);
    }
  });

  it("writes all ticks alike, in the panel's digits", () => {
    expect(tickLabels([0, 5e-5, 1e-4], words)).toEqual(["0", "5E-5", "1E-4"]);
    expect(tickLabels([0, 500_000, 1_000_000], words)).toEqual(["0", "500K", "1M"]);
    expect(tickLabels([0.000998, 0.0009985, 0.000999], words)).toEqual(["9.98E-4", "9.985E-4", "9.99E-4"]);
    expect(tickLabels([0.2, 0.4], new I18n({}, "fa", "rtl"))).toEqual(["۰٫۲", "۰٫۴"]);
  });
});

describe("view", () => {
  it("keeps its zoom until it is reset, and never zooms below two steps", () => {
    const view = new View();
    let changes = 0;
    view.onChange(() => changes++);
    view.zoomTo(10, 50);
    expect(view.zoom.get()).toEqual([10, 50]);
    view.zoomTo(7, 7.2);
    const [first, last] = view.zoom.get() ?? [0, 0];
    expect(last - first).toBeCloseTo(2);
    view.reset();
    expect(view.zoom.get()).toBeNull();
    expect(changes).toBe(3);
  });
});

describe("detail", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function thinned(): Series {
    const source = new Series();
    source.append(new Float32Array(100).fill(1), (index) => index * 100);
    source.total = 10_000;
    return source;
  }

  it("is lacking only where Python has more than is held and more could be shown", () => {
    expect(lacksDetail(thinned(), [1000, 2000])).toBe(true);
    expect(lacksDetail(series([1, 2, 3], 100), [0, 200])).toBe(false);
    const dense = series(Array.from({ length: 50 }, () => 1));
    dense.total = 10_000;
    expect(lacksDetail(dense, [10, 20])).toBe(false);
  });

  it("is asked for once, drawn when it has come, and grows with the run", async () => {
    const source = thinned();
    const asked: object[] = [];
    const requestWithBuffers = async <T>(kind: string, fields: Record<string, unknown> = {}) => {
      asked.push({ kind, ...fields });
      const result = { name: "loss", first: 9801, last: 9803, count: 3 } as T;
      return { result, buffers: [ints(9801, 9802, 9803), floats(7, 8, 9)] };
    };
    const arrived = vi.fn();
    const detail = new Detail({ requestWithBuffers }, "r1", "loss", source, { arrived, failed: vi.fn() });
    const zoom = [9800.5, 9999] as const;
    expect(detail.track(zoom)).toBeNull();
    expect(detail.track(zoom)).toBeNull();
    await vi.runAllTimersAsync();
    expect(asked).toEqual([{ kind: "range", run: "r1", name: "loss", first: 9801, last: 9999, points: 2000 }]);
    expect(arrived).toHaveBeenCalledOnce();
    source.append(Float32Array.of(5), () => 9950);
    // 9801–9803 were fetched, 9900 was held before, 9950 is new.
    expect([...(detail.track(zoom)?.series.values ?? [])]).toEqual([7, 8, 9, 1, 5]);
    expect(asked).toHaveLength(1);
  });

  it("that is refused is reported, and the chart keeps what it has", async () => {
    const failed = vi.fn();
    const refuse = () => Promise.reject(new Error("gone"));
    const detail = new Detail({ requestWithBuffers: refuse }, "r1", "loss", thinned(), { arrived: vi.fn(), failed });
    expect(detail.track([1000, 2000])).toBeNull();
    await vi.runAllTimersAsync();
    expect(failed).toHaveBeenCalledOnce();
    expect(detail.track([1000, 2000])).toBeNull();
  });

  it("is asked for again after the kernel was gone, and not again after a refusal", async () => {
    const errors = [new RequestError("gone", "error.gone"), new RequestError("CommandError", "No such run.")];
    const asked = vi.fn(() => Promise.reject(errors.shift()));
    const events = { arrived: vi.fn(), failed: vi.fn() };
    const detail = new Detail({ requestWithBuffers: asked }, "r1", "loss", thinned(), events);
    for (let look = 0; look < 4; look++) {
      detail.track([1000, 2000]);
      await vi.runAllTimersAsync();
    }
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
