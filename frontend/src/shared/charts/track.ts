/** One series as a chart draws it: as measured and smoothed, each with the pyramid that makes it cheap. */

import type { Series } from "../store";
import { decimate, emptyLine, type Line, lowerBound } from "./decimate";
import { Pyramid } from "./pyramid";
import { Smoother } from "./smoothing";

export interface Style {
  /** 0 up to below 1; 0 is off. */
  smoothing: number;
  log: boolean;
  /** At most this many points. */
  limit: number;
}

/** The smoothed values of a series; grows with it. */
class Average {
  private readonly smoother: Smoother;
  private buffer = new Float32Array(256);
  private length = 0;

  constructor(factor: number) {
    this.smoother = new Smoother(factor);
  }

  get factor(): number {
    return this.smoother.factor;
  }

  follow(values: Float32Array): Float32Array {
    if (values.length > this.buffer.length) {
      const bigger = new Float32Array(Math.max(values.length, this.buffer.length * 2));
      bigger.set(this.buffer);
      this.buffer = bigger;
    }
    this.smoother.extend(values, this.buffer, this.length);
    this.length = values.length;
    return this.buffer.subarray(0, this.length);
  }
}

export class Track {
  private generation: number;
  private measured = new Pyramid();
  private average: Average | null = null;
  private averaged = new Pyramid();
  private readonly lines = { measured: emptyLine(), averaged: emptyLine() };

  constructor(readonly series: Series) {
    this.generation = series.generation;
  }

  /** What to draw of the measured values between two steps; valid until the next call. */
  line(first: number, last: number, { log, limit }: Style): Line {
    this.renew();
    const floor = floorOf(log);
    if (this.measured.floor !== floor) this.measured = new Pyramid(floor);
    const { steps, values } = this.series;
    this.measured.extend(values);
    return decimate(this.lines.measured, this.measured, steps, values, values.length, first, last, limit);
  }

  /** What to draw of the running average between two steps; valid until the next call. */
  smoothLine(first: number, last: number, { log, smoothing, limit }: Style): Line {
    this.renew();
    const floor = floorOf(log);
    if (this.average?.factor !== smoothing) {
      this.average = new Average(smoothing);
      this.averaged = new Pyramid(floor);
    } else if (this.averaged.floor !== floor) {
      this.averaged = new Pyramid(floor);
    }
    const values = this.average.follow(this.series.values);
    this.averaged.extend(values);
    return decimate(this.lines.averaged, this.averaged, this.series.steps, values, values.length, first, last, limit);
  }

  /** Lowest and highest finite value measured so far, or null when there is none. */
  extremes(): { low: number; high: number } | null {
    this.renew();
    const { values } = this.series;
    this.measured.extend(values);
    const { low, high } = this.measured.query(0, values.length);
    return low < 0 ? null : { low: values[low] as number, high: values[high] as number };
  }

  /** The point measured nearest to `step`, or null when there is none. */
  nearest(step: number): { step: number; value: number } | null {
    const { steps, values } = this.series;
    if (steps.length === 0) return null;
    let index = lowerBound(steps, steps.length, step);
    const before = index - 1;
    if (index === steps.length || (before >= 0 && step - (steps[before] as number) < (steps[index] as number) - step)) {
      index = before;
    }
    return { step: steps[index] as number, value: values[index] as number };
  }

  private renew(): void {
    if (this.generation === this.series.generation) return;
    this.generation = this.series.generation;
    this.measured.clear();
    this.average = null;
  }
}

function floorOf(log: boolean): number {
  return log ? 0 : Number.NEGATIVE_INFINITY;
}
