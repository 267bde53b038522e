/** What a profile knows of each column, as a table. */

import { useState } from "preact/hooks";
import { type I18n, useWords } from "../../shared/i18n";
import type { ColumnFacts, ProfileView, Scalar } from "../wire";
import { scalarText } from "./classes";

/** Rows drawn at first: a table may have ten thousand columns. */
const SHOWN = 100;

export function Columns({ profile }: { profile: ProfileView }) {
  const words = useWords();
  const [shown, setShown] = useState(SHOWN);
  const heads = ["name", "kind", "missing", "distinct", "values"] as const;
  return (
    <section class="nbt-profile-columns" aria-label={words.t("datasets.columns.title")}>
      <div class="nbt-table-scroll">
        <table class="nbt-facts-table">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col" class={`nbt-col-${head}`}>
                  {words.t(`datasets.column.${head}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {profile.columns.slice(0, shown).map((column) => (
              <Column key={column.name} column={column} rows={profile.rows} />
            ))}
          </tbody>
        </table>
      </div>
      {profile.columns.length > shown && (
        <button type="button" class="nbt-link" onClick={() => setShown(shown + SHOWN)}>
          {words.t("datasets.more", { count: profile.columns.length - shown })}
        </button>
      )}
    </section>
  );
}

function Column({ column, rows }: { column: ColumnFacts; rows: number }) {
  const words = useWords();
  const missing = rows > 0 ? column.missing / rows : 0;
  return (
    <tr>
      <th scope="row" class="nbt-col-name" title={column.name}>
        <bdi>{column.name}</bdi>
      </th>
      <td class="nbt-col-kind" title={column.type}>
        {words.t(`data.kind.${column.kind}`)}
      </td>
      <td class={missing > 0 ? "nbt-number nbt-some" : "nbt-number nbt-soft"} title={words.integer(column.missing)}>
        {missing > 0 && missing < 0.001 ? `< ${words.percent(0.001, 1)}` : words.percent(missing, missing > 0 ? 1 : 0)}
      </td>
      <td class="nbt-number">{column.distinct === null ? "–" : words.integer(column.distinct)}</td>
      <td class="nbt-col-values">
        <Histogram counts={column.histogram} />
        <span>{valuesText(column, words)}</span>
      </td>
    </tr>
  );
}

/** Its range and mean, its length, or its most frequent values. */
function valuesText(column: ColumnFacts, words: I18n): string {
  const parts: string[] = [];
  if (column.min !== null && column.max !== null) {
    parts.push(
      words.t("datasets.column.range", {
        min: isolated(endText(column.min, column.kind, words)),
        max: isolated(endText(column.max, column.kind, words)),
      }),
    );
  }
  if (column.mean !== null) parts.push(words.t("datasets.column.mean", { value: words.figure(column.mean) }));
  if (column.characters !== null) {
    parts.push(words.t("datasets.column.characters", { count: Math.round(column.characters) }));
  }
  if (column.tokens !== null) parts.push(words.t("datasets.column.tokens", { count: Math.round(column.tokens) }));
  if (parts.length === 0) {
    parts.push(
      ...column.top
        .slice(0, 3)
        .map(({ value, count }) => `${isolated(scalarText(value, words))} (${words.integer(count)})`),
    );
  }
  return parts.join(" · ");
}

/** The first or last value; a date is one word, which no line breaks, and midnight goes without saying. */
function endText(value: Scalar, kind: string, words: I18n): string {
  const text = scalarText(value, words);
  if (kind !== "date") return text;
  return text
    .replace(/T00:00:00$/, "")
    .replace("T", "\u00a0")
    .replaceAll("-", "\u2011");
}

/** A value among words: its direction is its own. */
function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}

function Histogram({ counts }: { counts: readonly number[] }) {
  if (counts.length === 0) return null;
  const most = Math.max(...counts, 1);
  const width = 72 / counts.length;
  return (
    <svg class="nbt-histogram" width="72" height="20" viewBox="0 0 72 20" aria-hidden="true">
      {counts.map((count, index) => {
        const height = count > 0 ? Math.max(1, (count / most) * 20) : 0;
        return (
          <rect key={index} x={index * width} y={20 - height} width={Math.max(width - 0.5, 0.5)} height={height} />
        );
      })}
    </svg>
  );
}
