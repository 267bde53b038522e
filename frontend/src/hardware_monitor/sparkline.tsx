/** The last minutes of one or two figures, small. */

import type { Level } from "./levels";

export interface Line {
  values: readonly (number | null)[];
  dashed?: boolean;
}

const WIDTH = 240;
const HEIGHT = 40;
/** More points than this cannot be told apart on so little room. */
const MOST = 120;

/** The highest of each of `count` equal stretches; null where a stretch has no value. */
export function highest(values: readonly (number | null)[], count: number): (number | null)[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, bin) => {
    const from = Math.floor((bin * values.length) / count);
    const to = Math.floor(((bin + 1) * values.length) / count);
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length > 0 ? Math.max(...known) : null;
  });
}

/** An SVG path; a value that is not known is a gap. */
export function pathOf(values: readonly (number | null)[], top: number): string {
  const step = WIDTH / Math.max(1, values.length - 1);
  let down = false;
  return values
    .map((value, index) => {
      const command =
        value === null
          ? ""
          : `${down ? "L" : "M"}${round(index * step)} ${round(HEIGHT - 1 - (value / top) * (HEIGHT - 3))}`;
      down = value !== null;
      return command;
    })
    .join("");
}

function round(value: number): string {
  return value.toFixed(1);
}

export interface SparklineProps {
  lines: readonly Line[];
  /** The value at the upper edge; without it the highest value seen. */
  top?: number;
  label: string;
  level?: Level;
}

export function Sparkline({ lines, top, label, level = "ok" }: SparklineProps) {
  const known = lines.flatMap((line) => line.values.filter((value) => value !== null));
  const ceiling = top ?? Math.max(1e-9, ...known);
  return (
    <svg
      class="nbt-spark"
      data-level={level}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="nbt-spark-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      {lines.map((line) => {
        const path = pathOf(highest(line.values, MOST), ceiling);
        return (
          <g key={String(line.dashed ?? false)}>
            {!line.dashed && path !== "" && <path class="nbt-spark-area" d={`${path}V${HEIGHT}H0Z`} />}
            <path class="nbt-spark-line" d={path} stroke-dasharray={line.dashed ? "4 3" : undefined} />
          </g>
        );
      })}
    </svg>
  );
}
