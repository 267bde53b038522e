/** How often each class occurs. */

import { useState } from "preact/hooks";
import { type I18n, useWords } from "../../shared/i18n";
import type { Scalar, ValueCount } from "../wire";

/** More than these are a list of values rather than classes; they come on request. */
const SHOWN = 12;

export interface ClassesProps {
  classes: readonly ValueCount[];
  rows: number;
}

export function Classes({ classes, rows }: ClassesProps) {
  const words = useWords();
  const [all, setAll] = useState(false);
  const most = Math.max(...classes.map(({ count }) => count), 1);
  const shown = all ? classes : classes.slice(0, SHOWN);
  return (
    <section class="nbt-class-section">
      <h3>{words.t("datasets.classes", { count: classes.length })}</h3>
      <ul class="nbt-class-list">
        {shown.map(({ value, count }) => (
          <li key={String(value)}>
            <span class="nbt-class-name" title={scalarText(value, words)}>
              <bdi>{scalarText(value, words)}</bdi>
            </span>
            <span class="nbt-class-bar" aria-hidden="true">
              <span style={{ inlineSize: `${(count / most) * 100}%` }} />
            </span>
            <span class="nbt-class-count nbt-number">
              {words.integer(count)} · {words.percent(rows > 0 ? count / rows : 0, 1)}
            </span>
          </li>
        ))}
      </ul>
      {classes.length > SHOWN && (
        <button type="button" class="nbt-link" aria-expanded={all} onClick={() => setAll(!all)}>
          {words.t(all ? "datasets.fewer" : "datasets.more", { count: classes.length - SHOWN })}
        </button>
      )}
    </section>
  );
}

/** A value as it is read: whole numbers grouped, what is missing as a word. */
export function scalarText(value: Scalar, words: I18n): string {
  if (value === null) return words.t("datasets.missing_value");
  if (value === "") return words.t("datasets.empty_text");
  if (typeof value === "number") return Number.isInteger(value) ? words.integer(value) : words.figure(value);
  return String(value);
}
