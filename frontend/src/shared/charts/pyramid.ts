/**
 * Lowest, highest and first unusable value of any stretch of a growing column, in O(log n).
 *
 * Level 0 summarises blocks of LEAF values, each further level pairs of blocks below. Only full blocks
 * are kept, so appending touches what is new and nothing else; the ragged tail is read from the values.
 */

const LEAF = 16;

/** Indices into the column; -1 where the stretch holds no such value. */
export interface Extremes {
  low: number;
  high: number;
  /** The first value that cannot be drawn. */
  odd: number;
}

/** The extremes of consecutive blocks, as three columns of indices. */
class Level {
  low: Int32Array = new Int32Array(64);
  high: Int32Array = new Int32Array(64);
  odd: Int32Array = new Int32Array(64);
  blocks = 0;

  push(low: number, high: number, odd: number): void {
    if (this.blocks === this.low.length) {
      this.low = doubled(this.low);
      this.high = doubled(this.high);
      this.odd = doubled(this.odd);
    }
    this.low[this.blocks] = low;
    this.high[this.blocks] = high;
    this.odd[this.blocks] = odd;
    this.blocks++;
  }
}

function doubled(old: Int32Array): Int32Array {
  const array = new Int32Array(old.length * 2);
  array.set(old);
  return array;
}

export class Pyramid {
  private levels: Level[] = [];
  private values: Float32Array = new Float32Array(0);
  private length = 0;
  private readonly found: Extremes = { low: -1, high: -1, odd: -1 };

  /** Values must lie above `floor` and be finite to be drawn: 0 for a log axis. */
  constructor(readonly floor: number = Number.NEGATIVE_INFINITY) {}

  clear(): void {
    this.levels = [];
    this.length = 0;
  }

  /** Take in the column `values`, longer than before; what was taken in already must not have changed. */
  extend(values: Float32Array): void {
    this.values = values;
    this.length = values.length;
    const leaves = this.level(0);
    for (let start = leaves.blocks * LEAF; start + LEAF <= this.length; start += LEAF) {
      this.seek();
      this.scan(start, start + LEAF);
      leaves.push(this.found.low, this.found.high, this.found.odd);
    }
    for (let k = 0; (this.levels[k]?.blocks ?? 0) > 1; k++) this.pair(this.level(k), this.level(k + 1));
  }

  /** The extremes of `values[from…to)`. */
  query(from: number, to: number): Extremes {
    this.seek();
    const end = Math.min(to, this.length);
    let a = Math.ceil(from / LEAF);
    let b = Math.floor(end / LEAF);
    if (a >= b) {
      this.scan(from, end);
      return { ...this.found };
    }
    this.scan(from, a * LEAF);
    this.scan(b * LEAF, end);
    for (let k = 0; a < b; k++) {
      const level = this.level(k);
      if (a & 1) this.merge(level, a++);
      if (b & 1) this.merge(level, --b);
      a >>= 1;
      b >>= 1;
    }
    return { ...this.found };
  }

  usable(value: number): boolean {
    return value > this.floor && value < Number.POSITIVE_INFINITY;
  }

  private level(k: number): Level {
    let level = this.levels[k];
    if (!level) {
      level = new Level();
      this.levels[k] = level;
    }
    return level;
  }

  private pair(below: Level, above: Level): void {
    for (let block = above.blocks * 2; block + 2 <= below.blocks; block += 2) {
      this.seek();
      this.merge(below, block);
      this.merge(below, block + 1);
      above.push(this.found.low, this.found.high, this.found.odd);
    }
  }

  private seek(): void {
    this.found.low = -1;
    this.found.high = -1;
    this.found.odd = -1;
  }

  private merge(level: Level, block: number): void {
    const { found, values } = this;
    const low = level.low[block] as number;
    const high = level.high[block] as number;
    const odd = level.odd[block] as number;
    if (low >= 0) {
      if (found.low < 0 || (values[low] as number) < (values[found.low] as number)) found.low = low;
      if (found.high < 0 || (values[high] as number) > (values[found.high] as number)) found.high = high;
    }
    if (odd >= 0 && (found.odd < 0 || odd < found.odd)) found.odd = odd;
  }

  private scan(from: number, to: number): void {
    const { found, values, floor } = this;
    let { low, high, odd } = found;
    let lowest = low < 0 ? Number.POSITIVE_INFINITY : (values[low] as number);
    let highest = high < 0 ? Number.NEGATIVE_INFINITY : (values[high] as number);
    for (let i = from; i < to; i++) {
      const value = values[i] as number;
      if (value > floor && value < Number.POSITIVE_INFINITY) {
        if (value < lowest) {
          lowest = value;
          low = i;
        }
        if (value > highest) {
          highest = value;
          high = i;
        }
      } else if (odd < 0 || i < odd) odd = i;
    }
    found.low = low;
    found.high = high;
    found.odd = odd;
  }
}
