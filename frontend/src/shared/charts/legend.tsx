/** Which line is whose, and what it reads at the cursor. */

import { useWords } from "../i18n";
import type { BookedCurve } from "./book";

interface LegendProps {
  curves: readonly BookedCurve[];
  /** Several runs: the run's name tells the lines apart, and the dashes training from validation. */
  several: boolean;
  cursor: number | null;
}

export function Legend({ curves, several, cursor }: LegendProps) {
  const words = useWords();
  return (
    <ul class="nbt-chart-legend">
      {curves.map((curve) => {
        const value = cursor === null ? curve.own.series.last : curve.own.nearest(cursor)?.value;
        const role = words.t(curve.validation ? "charts.validation" : "charts.training");
        return (
          <li key={curve.key} title={several ? `${curve.run.name} · ${role}` : role}>
            <Swatch colour={curve.colour} dashed={curve.dashed} />
            <bdi class="nbt-chart-name">{several ? curve.run.name : role}</bdi>
            {several && <span class="nbt-hidden">{role}</span>}
            <span class="nbt-number">{value === undefined ? "" : words.figure(value)}</span>
          </li>
        );
      })}
      {cursor !== null && (
        <li class="nbt-chart-step nbt-number">
          {words.t("charts.at_step", { step: words.integer(Math.round(cursor)) })}
        </li>
      )}
    </ul>
  );
}

export function Swatch({ colour, dashed = false }: { colour: string; dashed?: boolean }) {
  return (
    <svg class="nbt-chart-swatch" width="18" height="8" viewBox="0 0 18 8" aria-hidden="true">
      <path d="M1 4h16" stroke={colour} stroke-width="2" stroke-dasharray={dashed ? "4 3" : undefined} />
    </svg>
  );
}
