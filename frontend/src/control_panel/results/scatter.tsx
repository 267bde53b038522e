/** Truth to the right, prediction upwards: on the line both are the same. */

import { useWords } from "../../shared/i18n";

/** Of the square, in units of the drawing. */
const SIDE = 240;
/** Around it, for the names of the axes and their ends. */
const EDGE = { start: 12, end: 12, top: 8, bottom: 20 };
const ENDS = [0, 0.5, 1] as const;

export function Scatter({ points: given }: { points: Float64Array }) {
  const words = useWords();
  const points = drawable(given);
  const [low, high] = reach(points);
  const span = high - low;
  const at = (value: number): number => ((value - low) / span) * SIDE;
  const steps: string[] = [];
  for (let place = 0; place + 1 < points.length; place += 2) {
    // A dot is a line of no length with round ends: one element for all of them.
    steps.push(`M${at(points[place] ?? 0).toFixed(1)} ${(SIDE - at(points[place + 1] ?? 0)).toFixed(1)}h0`);
  }
  const size = `${-EDGE.start} ${-EDGE.top} ${SIDE + EDGE.start + EDGE.end} ${SIDE + EDGE.top + EDGE.bottom}`;
  return (
    <figure class="nbt-scatter">
      <figcaption>
        <h4>{words.t("results.scatter")}</h4>
      </figcaption>
      <div class="nbt-scatter-box" dir="ltr">
        <span class="nbt-scatter-up">{words.t("results.predicted")}</span>
        <svg viewBox={size} role="img" aria-label={words.t("results.scatter.label", { count: points.length / 2 })}>
          <rect width={SIDE} height={SIDE} />
          <path class="nbt-scatter-same" d={`M0 ${SIDE}L${SIDE} 0`} />
          <path class="nbt-scatter-dots" d={steps.join("")} />
          {ENDS.map((share) => (
            <text
              key={share}
              x={share * SIDE}
              y={SIDE + 14}
              text-anchor={share === 0 ? "start" : share === 1 ? "end" : "middle"}
            >
              {words.figure(low + share * span)}
            </text>
          ))}
        </svg>
        <span class="nbt-scatter-right">{words.t("results.truth")}</span>
      </div>
    </figure>
  );
}

/** Pairs of which both are finite. */
function drawable(points: Float64Array): Float64Array {
  return points.filter((_, place) => Number.isFinite(points[place]) && Number.isFinite(points[place ^ 1]));
}

/** One range for both axes, with a little room around. */
function reach(points: Float64Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of points) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.03 || Math.max(Math.abs(high) * 0.03, 0.5);
  return [low - room, high + room];
}
