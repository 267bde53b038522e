/** Which line is whose, and what it reads at the cursor. */

import { useWords } from "../i18n";
import type { BookedCurve } from "./book";
import type { Range } from "./view";

interface LegendProps {
  curves: readonly BookedCurve[];
  /** Several runs: the run's name tells the lines apart, and the dashes training from validation. */
  several: boolean;
  cursor: number | null;
  zoom: Range | null;
}

export function Legend({ curves, several, cursor, zoom }: LegendProps) {
  const words = useWords();
  const roleOf = (curve: BookedCurve): string => words.t(curve.validation ? "charts.validation" : "charts.training");
  return (
    <ul class="nbt-chart-legend">
      {several
        ? byRun(curves).map((lines) => (
            <li key={lines[0].run.run}>
              <Name text={lines[0].run.name} />
              {lines.map((curve) => (
                <Reading key={curve.key} curve={curve} cursor={cursor} zoom={zoom} title={roleOf(curve)} />
              ))}
            </li>
          ))
        : curves.map((curve) => (
            <li key={curve.key}>
              <Reading curve={curve} cursor={cursor} zoom={zoom} title={roleOf(curve)} named={curves.length > 1} />
            </li>
          ))}
      {cursor !== null && (
        <li class="nbt-chart-step nbt-number">
          {words.t("charts.at_step", { step: words.integer(Math.round(cursor)) })}
        </li>
      )}
    </ul>
  );
}

/** The lines of each run together, in the order of the runs. */
function byRun(curves: readonly BookedCurve[]): [BookedCurve, ...BookedCurve[]][] {
  const runs = new Map<string, [BookedCurve, ...BookedCurve[]]>();
  for (const curve of curves) {
    const known = runs.get(curve.run.run);
    if (known) known.push(curve);
    else runs.set(curve.run.run, [curve]);
  }
  return [...runs.values()];
}

interface ReadingProps {
  curve: BookedCurve;
  cursor: number | null;
  zoom: Range | null;
  title: string;
  /** The title is written out, not only told to a screen reader. */
  named?: boolean;
}

/** A line's swatch, and its value at the cursor or its newest. */
function Reading({ curve, cursor, zoom, title, named = false }: ReadingProps) {
  const words = useWords();
  const value = cursor === null ? curve.own.series.last : curve.track(zoom).nearest(cursor)?.value;
  return (
    <span class="nbt-chart-reading" title={title}>
      <Swatch colour={curve.colour} dashed={curve.dashed} />
      {named ? <Name text={title} /> : <span class="nbt-hidden">{title}</span>}
      <span class="nbt-number" dir="ltr">
        {value === undefined ? "" : words.figure(value)}
      </span>
    </span>
  );
}

function Name({ text }: { text: string }) {
  return (
    <span class="nbt-chart-name" title={text}>
      <bdi>{text}</bdi>
    </span>
  );
}

export function Swatch({ colour, dashed = false }: { colour: string; dashed?: boolean }) {
  return (
    <svg class="nbt-chart-swatch" width="18" height="8" viewBox="0 0 18 8" aria-hidden="true">
      <path d="M1 4h16" stroke={colour} stroke-width="2" stroke-dasharray={dashed ? "4 3" : undefined} />
    </svg>
  );
}
