/** The classes of the target column, as one bar of their shares and a legend; a press shows one class alone. */

import { useWords } from "../shared/i18n";
import { ofCount } from "./bars";
import { type Filter, sameFilter } from "./query";
import type { Count } from "./wire";

/** More cannot be told apart by colour; the rest is put together. */
const MOST = 7;

export interface Classes {
  column: string;
  counts: readonly Count[];
  /** Classes that are not among `counts`. */
  others: number;
  missing: number;
  rows: number;
}

export interface ClassStripProps {
  classes: Classes;
  filters: readonly Filter[];
  onFilter(filter: Filter): void;
}

export function ClassStrip({ classes, filters, onFilter }: ClassStripProps) {
  const words = useWords();
  const { column, counts, others, missing, rows } = classes;
  const shown = counts.slice(0, counts.length > MOST ? MOST - 1 : MOST);
  const sum = shown.reduce((total, { count }) => total + count, 0);
  const rest = rows - missing - sum;
  const share = (count: number): string => (rows > 0 ? words.percent(count / rows, count / rows < 0.1 ? 1 : 0) : "");
  return (
    <section class="nbt-classes" aria-label={words.t("data.classes", { column })}>
      <div class="nbt-classes-bar" aria-hidden="true">
        {shown.map(({ count }, index) => (
          <span key={index} data-class={index} style={{ flexGrow: count }} />
        ))}
        {rest > 0 && <span data-class="rest" style={{ flexGrow: rest }} />}
        {missing > 0 && <span data-class="missing" style={{ flexGrow: missing }} />}
      </div>
      <ul class="nbt-classes-legend">
        {shown.map((count, index) => {
          const { text, filter } = ofCount(column, count);
          return (
            <li key={index}>
              <button
                type="button"
                disabled={!filter}
                aria-pressed={filter !== null && filters.some((known) => sameFilter(known, filter))}
                title={words.t("data.filter.show")}
                onClick={() => filter && onFilter(filter)}
              >
                <span class="nbt-classes-dot" data-class={index} />
                <bdi>{text === "" ? words.t("data.empty_text") : text}</bdi>
                <span class="nbt-soft nbt-number">
                  {words.integer(count.count)} · {share(count.count)}
                </span>
              </button>
            </li>
          );
        })}
        {rest > 0 && (
          <li class="nbt-classes-rest">
            <span class="nbt-classes-dot" data-class="rest" />
            <span>{words.t("data.classes.others", { count: others + counts.length - shown.length })}</span>
            <span class="nbt-soft nbt-number">
              {words.integer(rest)} · {share(rest)}
            </span>
          </li>
        )}
        {missing > 0 && (
          <li class="nbt-classes-rest">
            <span class="nbt-classes-dot" data-class="missing" />
            <span>{words.t("data.missing")}</span>
            <span class="nbt-soft nbt-number">
              {words.integer(missing)} · {share(missing)}
            </span>
          </li>
        )}
      </ul>
    </section>
  );
}
