/** The few points that draw the same line: per column of the view its lowest and its highest. */

import type { Pyramid } from "./pyramid";

/** At most this many points of a series are drawn in one view. */
export const LIMIT = 2000;

/** Points to draw; a NaN breaks the line. Reused from redraw to redraw: the first `length` entries count. */
export interface Line {
  x: Float64Array;
  y: Float64Array;
  length: number;
  /** Lowest and highest drawn inside the view; NaN when nothing is. */
  low: number;
  high: number;
  /** Indices of values that could not be drawn, one per column at most. */
  odd: number[];
}

export function emptyLine(): Line {
  return { x: new Float64Array(256), y: new Float64Array(256), length: 0, low: Number.NaN, high: Number.NaN, odd: [] };
}

/** The first index in `[from, length)` whose step is at least `step`. */
export function lowerBound(steps: ArrayLike<number>, length: number, step: number, from = 0): number {
  let low = from;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((steps[middle] as number) < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

function put(line: Line, x: number, y: number): void {
  if (line.length === line.x.length) {
    const bigger = (old: Float64Array): Float64Array => {
      const array = new Float64Array(old.length * 2);
      array.set(old);
      return array;
    };
    line.x = bigger(line.x);
    line.y = bigger(line.y);
  }
  line.x[line.length] = x;
  line.y[line.length] = y;
  line.length++;
}

/** A width that is a power of two, so that columns stay where they are while the view grows. */
export function columnWidth(span: number, columns: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(span, 1) / columns)));
}

/**
 * Fill `line` with what to draw of `values` over `steps` (ascending) between the steps `first` and `last`.
 *
 * With up to `limit` points in view every one of them is given. With more, the view is cut into columns of
 * equal width, and each gives its lowest and its highest value in their order; no peak and no dip is lost.
 * One neighbour on either side is added, so that the line runs on to the edge. `pyramid` holds `values`.
 */
export function decimate(
  line: Line,
  pyramid: Pyramid,
  steps: ArrayLike<number>,
  values: ArrayLike<number>,
  length: number,
  first: number,
  last: number,
  limit: number = LIMIT,
): Line {
  line.length = 0;
  line.low = Number.NaN;
  line.high = Number.NaN;
  line.odd.length = 0;
  const start = lowerBound(steps, length, first);
  const end = lowerBound(steps, length, Math.floor(last) + 1, start);

  const visible = pyramid.query(start, end);
  if (visible.low >= 0) {
    line.low = values[visible.low] as number;
    line.high = values[visible.high] as number;
  }
  const point = (index: number): void => {
    const value = values[index] as number;
    put(line, steps[index] as number, pyramid.usable(value) ? value : Number.NaN);
  };

  if (start > 0) point(start - 1);
  if (end - start <= limit - 2) {
    for (let i = start; i < end; i++) {
      if (!pyramid.usable(values[i] as number)) line.odd.push(i);
      point(i);
    }
  } else {
    const width = columnWidth(last - first, limit / 2 - 3);
    let from = start;
    for (let edge = Math.floor(first / width) * width + width; from < end; edge += width) {
      const to = Math.min(end, lowerBound(steps, end, edge, from));
      if (to > from) column(line, pyramid, from, to, point);
      from = to;
    }
  }
  if (end < length) point(end);
  return line;
}

function column(line: Line, pyramid: Pyramid, from: number, to: number, point: (index: number) => void): void {
  const { low, high, odd } = pyramid.query(from, to);
  if (odd >= 0) line.odd.push(odd);
  if (low < 0) {
    point(odd);
    return;
  }
  const early = Math.min(low, high);
  const late = Math.max(low, high);
  if (odd >= 0 && odd < early) point(odd);
  point(early);
  if (odd > early && odd < late) point(odd);
  if (late !== early) point(late);
  if (odd > late) point(odd);
}
