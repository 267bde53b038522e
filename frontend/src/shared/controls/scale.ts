/** Where a slider's thumb stands for a value, and which value it means there. */

export interface Scale {
  min: number;
  max: number;
  kind: "linear" | "log";
  integer: boolean;
  /** Distance of two values of a linear scale; null where nobody said. */
  step: number | null;
}

/** Stops of a slider whose values have no natural distance. */
const FINE = 100;

/** Number of moves from one end of the slider to the other. */
export function stops(scale: Scale): number {
  if (scale.kind === "log") {
    if (inPowersOfTwo(scale)) return Math.round(Math.log2(scale.max / scale.min));
    return FINE;
  }
  const step = scale.step ?? (scale.integer ? 1 : null);
  const moves = step === null ? FINE : Math.round((scale.max - scale.min) / step);
  return Math.max(1, Math.min(moves, 1000));
}

/** The stop nearest to `value`; values outside the scale stand at its ends. */
export function toStop(scale: Scale, value: number): number {
  const inside = Math.min(scale.max, Math.max(scale.min, value));
  const share =
    scale.kind === "log"
      ? Math.log(inside / scale.min) / Math.log(scale.max / scale.min)
      : (inside - scale.min) / (scale.max - scale.min);
  return Math.round(share * stops(scale));
}

/** The value of a stop, rounded to digits a person would type. */
export function fromStop(scale: Scale, stop: number): number {
  const count = stops(scale);
  if (stop <= 0) return scale.min;
  if (stop >= count) return scale.max;
  const share = stop / count;
  const value =
    scale.kind === "log" ? scale.min * (scale.max / scale.min) ** share : scale.min + share * (scale.max - scale.min);
  if (scale.integer) return Math.round(value);
  return Number(value.toPrecision(scale.kind === "log" ? 2 : 6));
}

/** Batch sizes and their like: a log scale between powers of two moves in powers of two. */
function inPowersOfTwo(scale: Scale): boolean {
  return scale.integer && [scale.min, scale.max].every((end) => Number.isInteger(Math.log2(end)));
}
