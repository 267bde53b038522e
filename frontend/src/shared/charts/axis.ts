/** Where an axis begins and ends, where its ticks are, and how they are written. */

import type { I18n } from "../i18n";
import type { Range } from "./view";

const AIR = 0.06;

/** The range of a value axis that shows `low`…`high` with some air around. */
export function valueRange(low: number, high: number, log: boolean): Range {
  if (!(low <= high)) return log ? [0.1, 10] : [0, 1];
  if (log) {
    const air = Math.max(0.04, (Math.log10(high) - Math.log10(low)) * AIR);
    return [low / 10 ** air, high * 10 ** air];
  }
  if (low === high) {
    const half = Math.abs(low) * 0.1 || 0.5;
    return [low - half, high + half];
  }
  const air = (high - low) * AIR;
  // A measure that never falls below zero needs no axis below zero.
  const bottom = low >= 0 && low - air < 0 ? 0 : low - air;
  return [bottom, high + air];
}

/** Round numbers between `low` and `high`, at most `count` of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

/** Ticks of a logarithmic axis: powers of ten where there are several, else 1-2-5, else round numbers. */
export function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count);
  const factors = decades <= count / 3 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    if (power % stride !== 0) continue;
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** All ticks of an axis written alike: as many digits as tell the two nearest apart. */
export function tickLabels(ticks: readonly number[], words: I18n): string[] {
  const size = Math.max(...ticks.map(Math.abs));
  const smallest = Math.min(...ticks.filter((tick) => tick !== 0).map(Math.abs));
  const scientific = smallest < 1e-3 && size < 1e-2;
  const options: Intl.NumberFormatOptions =
    size >= 10_000 ? { notation: "compact", maximumSignificantDigits: 4 } : { maximumSignificantDigits: 6 };
  const digits = scientific ? digitsOf(ticks) : 0;
  return ticks.map((tick) => (scientific && tick !== 0 ? words.scientific(tick, digits) : words.number(tick, options)));
}

/** How many digits, from one to six, tell the ticks apart. */
function digitsOf(ticks: readonly number[]): number {
  let digits = 1;
  while (
    digits < 6 &&
    ticks.some((tick) => Math.abs(Number(tick.toPrecision(digits)) - tick) > Math.abs(tick) * 1e-9)
  ) {
    digits++;
  }
  return digits;
}
