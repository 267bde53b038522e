/**
 * Lowest, highest and first unusable value of any stretch of a growing column, in O(log n).
 *
 * Level 0 summarises blocks of LEAF values, each further level pairs of blocks below. Only full blocks
 * are kept, so appending touches what is new and nothing else; the ragged tail is read from the values.
 */

const LEAF = 16;
const NONE = 0xffffffff;

/** Indices into the column; -1 where the stretch holds no such value. */
export interface Extremes {
  low: number;
  high: number;
  /** The first value that cannot be drawn. */
  odd: number;
}

interface Level {
  low: Uint32Array;
  high: Uint32Array;
  odd: Uint32Array;
  blocks: number;
}

function grow(level: Level): void {
  const bigger = (old: Uint32Array): Uint32Array => {
    const array = new Uint32Array(Math.max(64, old.length * 2));
    array.set(old);
    return array;
  };
  level.low = bigger(level.low);
  level.high = bigger(level.high);
  level.odd = bigger(level.odd);
}

export class Pyramid {
  private levels: Level[] = [];
  private values: ArrayLike<number> = [];
  private length = 0;

  /** Values must lie above `floor` and be finite to be drawn: 0 for a log axis. */
  constructor(readonly floor: number = Number.NEGATIVE_INFINITY) {}

  clear(): void {
    this.levels = [];
    this.values = [];
    this.length = 0;
  }

  /** Take in `values[0…length)`; what was taken in before must not have changed. */
  extend(values: ArrayLike<number>, length: number): void {
    this.values = values;
    this.length = length;
    const leaves = this.level(0);
    for (let block = leaves.blocks; (block + 1) * LEAF <= length; block++) {
      const extremes = this.fresh();
      this.scan(block * LEAF, (block + 1) * LEAF, extremes);
      this.push(leaves, extremes);
    }
    for (let k = 0; (this.levels[k]?.blocks ?? 0) > 1; k++) this.pair(this.level(k), this.level(k + 1));
  }

  /** The extremes of `values[from…to)`. */
  query(from: number, to: number): Extremes {
    const extremes = this.fresh();
    const end = Math.min(to, this.length);
    let a = Math.ceil(from / LEAF);
    let b = Math.floor(end / LEAF);
    if (a >= b) {
      this.scan(from, end, extremes);
      return extremes;
    }
    this.scan(from, a * LEAF, extremes);
    for (let k = 0; a < b; k++) {
      const level = this.level(k);
      if (a & 1) this.merge(extremes, level, a++);
      if (b & 1) this.merge(extremes, level, --b);
      a >>= 1;
      b >>= 1;
    }
    this.scan(Math.floor(end / LEAF) * LEAF, end, extremes);
    return extremes;
  }

  usable(value: number): boolean {
    return value > this.floor && value < Number.POSITIVE_INFINITY;
  }

  private fresh(): Extremes {
    return { low: -1, high: -1, odd: -1 };
  }

  private level(k: number): Level {
    let level = this.levels[k];
    if (!level) {
      level = { low: new Uint32Array(0), high: new Uint32Array(0), odd: new Uint32Array(0), blocks: 0 };
      this.levels[k] = level;
    }
    return level;
  }

  private push(level: Level, { low, high, odd }: Extremes): void {
    if (level.blocks === level.low.length) grow(level);
    level.low[level.blocks] = low < 0 ? NONE : low;
    level.high[level.blocks] = high < 0 ? NONE : high;
    level.odd[level.blocks] = odd < 0 ? NONE : odd;
    level.blocks++;
  }

  private pair(below: Level, above: Level): void {
    for (let block = above.blocks; (block + 1) * 2 <= below.blocks; block++) {
      const extremes = this.fresh();
      this.merge(extremes, below, block * 2);
      this.merge(extremes, below, block * 2 + 1);
      this.push(above, extremes);
    }
  }

  private merge(into: Extremes, level: Level, block: number): void {
    const low = level.low[block] as number;
    const odd = level.odd[block] as number;
    if (low !== NONE) this.take(into, low, level.high[block] as number);
    if (odd !== NONE && (into.odd < 0 || odd < into.odd)) into.odd = odd;
  }

  private take(into: Extremes, low: number, high: number): void {
    if (into.low < 0 || this.at(low) < this.at(into.low)) into.low = low;
    if (into.high < 0 || this.at(high) > this.at(into.high)) into.high = high;
  }

  private scan(from: number, to: number, into: Extremes): void {
    for (let i = from; i < to; i++) {
      if (this.usable(this.at(i))) this.take(into, i, i);
      else if (into.odd < 0 || i < into.odd) into.odd = i;
    }
  }

  private at(index: number): number {
    return this.values[index] as number;
  }
}
