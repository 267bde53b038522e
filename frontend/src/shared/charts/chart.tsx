/** One chart: title, current value, legend, and the lines on a canvas. */

import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { type I18n, useWords } from "../i18n";
import { metricLabel } from "../metric";
import { usePanel } from "../panel";
import { useValue } from "../signal";
import type { Book, BookedCurve, ShownRun } from "./book";
import type { Group } from "./groups";
import { Legend } from "./legend";
import { Plot } from "./plot";
import type { View } from "./view";

export interface ChartProps {
  book: Book;
  group: Group;
  runs: readonly ShownRun[];
  view: View;
}

/** The chart in words: metric, run, newest, lowest and highest value of each line. */
export function describe(words: I18n, label: string, curves: readonly BookedCurve[]): string {
  const sentences = curves.flatMap(({ own, run, validation }) => {
    const extremes = own.extremes();
    const { last } = own.series;
    if (!extremes || last === undefined) return [];
    const metric = `${label} (${words.t(validation ? "charts.validation" : "charts.training")})`;
    const [now, low, high] = [last, extremes.low, extremes.high].map((value) => words.figure(value)) as [
      string,
      string,
      string,
    ];
    return [words.t("charts.description", { metric, run: run.name, last: now, low, high })];
  });
  return sentences.length > 0 ? sentences.join(" ") : words.t("charts.description.empty", { metric: label });
}

export function Chart({ book, group, runs, view }: ChartProps) {
  const words = useWords();
  const { store, theme: themeSignal } = usePanel();
  const theme = useValue(themeSignal);
  const cursor = useValue(view.cursor);
  const zoom = useValue(view.zoom);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);

  const curves = book.curves(group, runs, theme);
  // What the plot reads at its next redraw; it lives longer than one drawing of this component.
  const latest = useRef({ curves: () => curves, extent: () => book.extent(runs) });
  latest.current = { curves: () => book.curves(group, runs, theme), extent: () => book.extent(runs) };

  useLayoutEffect(() => {
    if (!host.current) return undefined;
    const made = new Plot(host.current, {
      view,
      words,
      extent: () => latest.current.extent(),
      curves: () => latest.current.curves(),
      onDraw: () => redraw(undefined),
    });
    plot.current = made;
    let drawn = "";
    const leave = store.version.subscribe(() => {
      const stamp = stampOf(latest.current.curves(), latest.current.extent());
      if (stamp === drawn) return;
      drawn = stamp;
      made.invalidate();
    });
    return () => {
      leave();
      made.destroy();
      plot.current = null;
    };
  }, [view, words, store]);

  useEffect(() => plot.current?.restyle(), [theme]);
  const shown = runs.map(({ run, colour }) => `${run}:${colour}`).join("\n");
  useEffect(() => plot.current?.invalidate(), [shown]);

  const title = metricLabel(words, group.name);
  const single = runs.length === 1;
  const value = single ? curves[0]?.own.series.last : undefined;
  return (
    <figure class="nbt-chart">
      <figcaption class="nbt-chart-head">
        <h3 title={title}>
          <bdi>{title}</bdi>
        </h3>
        {value !== undefined && (
          <span class={Number.isFinite(value) ? "nbt-chart-value" : "nbt-chart-value nbt-chart-odd"}>
            <bdi dir="ltr">{words.figure(value)}</bdi>
            <Unit name={group.name} />
          </span>
        )}
      </figcaption>
      <Legend
        curves={single && curves.length === 1 && cursor === null ? [] : curves}
        several={!single}
        cursor={cursor}
        zoom={zoom}
      />
      <div
        ref={host}
        class="nbt-chart-canvas"
        dir="ltr"
        role="img"
        aria-label={describe(words, title, curves)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the cursor is moved and the zoom reset by keyboard
        tabIndex={0}
        onKeyDown={(event) => steer(event, view, latest.current.extent())}
      />
    </figure>
  );
}

function Unit({ name }: { name: string }) {
  const words = useWords();
  const key = `charts.unit.${name}`;
  return words.has(key) ? <span class="nbt-chart-unit"> {words.t(key)}</span> : null;
}

function stampOf(curves: readonly BookedCurve[], extent: readonly number[] | null): string {
  return `${extent} ${curves.map(({ key, own: { series } }) => `${key} ${series.generation} ${series.total} ${series.length}`)}`;
}

/** Arrows move the cursor, plus and minus zoom around it, Escape shows the whole run again. */
function steer(event: KeyboardEvent, view: View, extent: readonly [number, number] | null): void {
  const range = view.zoom.get() ?? extent;
  if (!range) return;
  const [first, last] = range;
  const span = last - first;
  const at = view.cursor.get() ?? last;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => view.cursor.set(Math.max(first, at - span / 50)),
    ArrowRight: () => view.cursor.set(Math.min(last, at + span / 50)),
    "+": () => view.zoomTo(Math.max(first, at - span / 4), Math.min(last, at + span / 4)),
    "-": () => view.zoomTo(first - span / 2, last + span / 2),
    Escape: () => {
      view.cursor.set(null);
      view.reset();
    },
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
