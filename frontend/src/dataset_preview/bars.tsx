/** What a column holds as a row of small bars; a press on one shows its rows alone. */

import { useState } from "preact/hooks";
import { type I18n, useWords } from "../shared/i18n";
import { figure } from "./page";
import { type Filter, sameFilter } from "./query";
import type { ColumnProfile, Count, Histogram, Pictures, Scalar } from "./wire";

export interface Bar {
  /** The value, or from where to where. */
  text: string;
  count: number;
  filter: Filter | null;
}

export interface Distribution {
  bars: readonly Bar[];
  /** What stands below the bars while none is pointed at: its beginning and its end. */
  from: string;
  to: string;
  /** Cells that none of the bars holds. */
  others: number;
}

/** More bars than this cannot be told apart in the head of a column. */
const MOST_BARS = 12;

/** A point in time as ISO writes it. */
const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;

/** The distribution that says most of a column: its values where they are few, else a histogram, else lengths. */
export function distributionOf(column: ColumnProfile, words: I18n): Distribution | null {
  const present = column.rows - column.missing;
  if (present === 0) return null;
  const covered = column.top.reduce((sum, { count }) => sum + count, 0);
  const few = column.distinct !== null && column.distinct <= MOST_BARS && covered === present;
  if (column.histogram && !few) {
    // The outer bars may reach beyond the values there are.
    return { ...ofHistogram(column.name, column.histogram), ...ends(column) };
  }
  if (column.top.length > 0 && covered >= present / 2) return ofValues(column, covered, words);
  if (column.pictures) return ofPictures(column.pictures, words);
  const lengths = column.characters ?? column.elements;
  if (lengths) {
    const unit = column.characters ? "data.characters" : "data.elements";
    const { bars } = ofHistogram(column.name, lengths.histogram, false);
    const range = lengths.minimum === lengths.maximum ? [lengths.minimum] : [lengths.minimum, lengths.maximum];
    const named = words.t(unit, { range: range.map((length) => words.integer(length)).join("–") });
    return { bars, from: named, to: "", others: 0 };
  }
  return null;
}

function ofPictures({ sizes, unreadable }: Pictures, words: I18n): Distribution {
  const text = (width: number, height: number): string => `${words.integer(width)} × ${words.integer(height)}`;
  const bars = sizes.slice(0, MOST_BARS).map(([width, height, count]) => {
    return { text: text(width, height), count, filter: null };
  });
  const [first] = bars;
  const named = bars.length === 1 && first ? first.text : words.t("data.picture_sizes", { count: sizes.length });
  const rest = sizes.slice(MOST_BARS).reduce((sum, [, , count]) => sum + count, unreadable);
  return { bars, from: named, to: "", others: rest };
}

function ofValues(column: ColumnProfile, covered: number, words: I18n): Distribution {
  const shown = column.top.slice(0, MOST_BARS);
  const others = column.rows - column.missing - covered;
  return {
    bars: shown.map((count) => ofCount(column.name, count)),
    from: column.distinct === null ? "" : words.t("data.values", { count: column.distinct }),
    to: "",
    others: others + column.top.slice(MOST_BARS).reduce((sum, { count }) => sum + count, 0),
  };
}

export function ofCount(column: string, { value, count, cut }: Count): Bar {
  return { text: written(value), count, filter: cut ? null : { column, op: "eq", value } };
}

export function ofHistogram(column: string, { edges, counts }: Histogram, filtered = true): Distribution {
  const bars = counts.map((count, index) => {
    const [from, to] = [edges[index] ?? "", edges[index + 1] ?? ""];
    const filter: Filter | null = filtered ? { column, op: "between", value: [from, to] } : null;
    return { text: `${written(from)} – ${written(to)}`, count, filter };
  });
  return { bars, from: written(edges[0] ?? ""), to: written(edges.at(-1) ?? ""), others: 0 };
}

/** A value of the data: numbers in Latin digits, and points in time without what is zero. */
export function written(value: Scalar): string {
  if (typeof value === "number") return figure(value, 4);
  const text = String(value);
  return MOMENT.test(text) ? text.replace("T", " ").replace(/ 00:00:00(\.0+)?(Z|\+00:00)?$/, "") : text;
}

/** The least and the greatest value; of points in time on different days, the days. */
export function ends({ minimum, maximum }: ColumnProfile): { from: string; to: string } {
  const [from, to] = [written(minimum ?? ""), written(maximum ?? "")];
  if (MOMENT.test(String(minimum)) && from.slice(0, 10) !== to.slice(0, 10)) {
    return { from: from.slice(0, 10), to: to.slice(0, 10) };
  }
  return { from, to };
}

export interface BarsProps {
  distribution: Distribution;
  /** Of how many rows the bars are parts. */
  rows: number;
  filters: readonly Filter[];
  onFilter(filter: Filter): void;
}

export function Bars({ distribution, rows, filters, onFilter }: BarsProps) {
  const words = useWords();
  const [pointed, setPointed] = useState<Bar | null>(null);
  const { bars, from, to, others } = distribution;
  const most = Math.max(1, others, ...bars.map(({ count }) => count));
  const height = (count: number) => ({ blockSize: count === 0 ? "0" : `${Math.max(6, (count / most) * 100)}%` });
  return (
    <div class="nbt-bars">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: only what is said below is taken back */}
      <div class="nbt-bars-plot" onMouseLeave={() => setPointed(null)}>
        {bars.map((bar, index) => {
          const { filter } = bar;
          return (
            <button
              key={index}
              type="button"
              tabIndex={-1}
              class="nbt-bars-bar"
              aria-disabled={!filter}
              aria-pressed={filter !== null && filters.some((known) => sameFilter(known, filter))}
              aria-label={barText(bar, rows, words)}
              onMouseEnter={() => setPointed(bar)}
              onClick={(event) => {
                event.stopPropagation();
                if (filter) onFilter(filter);
              }}
            >
              <span style={height(bar.count)} />
            </button>
          );
        })}
        {others > 0 && (
          <span class="nbt-bars-bar nbt-bars-others" title={words.t("data.others", { count: others })}>
            <span style={height(others)} />
          </span>
        )}
      </div>
      <div class="nbt-bars-caption">
        {pointed ? (
          <bdi>{barText(pointed, rows, words)}</bdi>
        ) : (
          <>
            <bdi>{from}</bdi>
            <bdi>{to}</bdi>
          </>
        )}
      </div>
    </div>
  );
}

export function barText({ text, count }: Bar, rows: number, words: I18n): string {
  const share = rows > 0 ? words.percent(count / rows, count / rows < 0.1 ? 1 : 0) : "";
  return `\u2068${text === "" ? words.t("data.empty_text") : text}\u2069: ${words.integer(count)} · ${share}`;
}
