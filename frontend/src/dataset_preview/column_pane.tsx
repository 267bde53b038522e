/** All that is known of a column: its figures, its values, how long its texts are; and the filters that fit it. */

import type { ComponentChildren } from "preact";
import { Button } from "../shared/controls/button";
import { type I18n, useWords } from "../shared/i18n";
import { type Bar, Bars, ends, ofCount, ofHistogram, written } from "./bars";
import { FilterForm, opsFor, TokensForm } from "./column_forms";
import { Pane, Section } from "./pane";
import type { Filter, Query } from "./query";
import type { ColumnProfile, Count, Lengths, TableColumn } from "./wire";

export interface ColumnPaneProps {
  column: TableColumn;
  profile: ColumnProfile | undefined;
  /** The profile is being made. */
  profiling: boolean;
  query: Query;
  onFilter(filter: Filter): void;
  onHide(): void;
  onTokens(tokenizer: string): void;
  onClose(): void;
}

export function ColumnPane(props: ColumnPaneProps) {
  const { column, profile, profiling, query, onFilter, onHide, onTokens, onClose } = props;
  const words = useWords();
  return (
    <Pane
      column={column}
      detail={words.t(`data.kind.${column.kind}`)}
      actions={<Button icon="columns" label={words.t("data.column.hide")} quiet iconOnly onClick={onHide} />}
      onClose={onClose}
    >
      {opsFor(column.kind).length > 0 && <FilterForm column={column} onFilter={onFilter} />}
      {profile ? (
        <>
          <Figures profile={profile} words={words} onFilter={onFilter} />
          {profile.histogram && (
            <Section title={words.t("data.distribution")}>
              <Bars
                distribution={{
                  ...ofHistogram(column.name, profile.histogram),
                  ...ends(profile),
                }}
                rows={profile.rows}
                filters={query.filters}
                onFilter={onFilter}
              />
            </Section>
          )}
          {profile.top.length > 0 && (
            <Section title={words.t("data.top")}>
              <Values column={column.name} counts={profile.top} rows={profile.rows} onFilter={onFilter} />
            </Section>
          )}
          {profile.characters && <LengthSection kind="characters" lengths={profile.characters} />}
          {profile.tokens && <LengthSection kind="tokens" lengths={profile.tokens} />}
          {profile.elements && <LengthSection kind="elements" lengths={profile.elements} />}
          {profile.pictures && <PictureSizes pictures={profile.pictures} />}
          {profile.characters && <TokensForm busy={profiling} onTokens={onTokens} />}
        </>
      ) : (
        <p class="nbt-pane-note">{words.t(profiling ? "data.profile.busy" : "data.profile.none")}</p>
      )}
    </Pane>
  );
}

interface FiguresProps {
  profile: ColumnProfile;
  words: I18n;
  onFilter(filter: Filter): void;
}

function Figures({ profile, words, onFilter }: FiguresProps) {
  const { name, rows, missing, quantiles } = profile;
  const share = rows > 0 ? words.percent(missing / rows, 1) : "";
  const facts: [string, ComponentChildren][] = [["type", <bdi key="type">{profile.type}</bdi>]];
  const add = (key: string, value: number | string | null | undefined): void => {
    if (value !== null && value !== undefined) facts.push([key, <bdi key={key}>{written(value)}</bdi>]);
  };
  const counted = (key: string, value: number | null): void => {
    if (value !== null) facts.push([key, words.integer(value)]);
  };
  counted("distinct", profile.distinct);
  add("minimum", profile.minimum);
  add("mean", profile.mean);
  add("median", quantiles[2]);
  add("maximum", profile.maximum);
  add("std", profile.std);
  if (profile.zeros) counted("zeros", profile.zeros);
  if (profile.infinite) counted("infinite", profile.infinite);
  if (profile.right_to_left) facts.push(["right_to_left", words.percent(profile.right_to_left, 1)]);
  return (
    <dl class="nbt-facts">
      <dt>{words.t("data.missing")}</dt>
      <dd>
        {missing > 0 ? (
          <button
            type="button"
            class="nbt-link"
            onClick={() => onFilter({ column: name, op: "missing", value: null })}
            title={words.t("data.filter.show")}
          >
            {words.integer(missing)} · {share}
          </button>
        ) : (
          words.integer(0)
        )}
      </dd>
      {facts.map(([key, value]) => [
        <dt key={key}>{words.t(`data.figure.${key}`)}</dt>,
        <dd key={`${key}=`}>{value}</dd>,
      ])}
    </dl>
  );
}

interface ValuesProps {
  column: string;
  counts: readonly Count[];
  rows: number;
  onFilter(filter: Filter): void;
}

/** Values, how often each is there, and a bar for it; a press shows its rows. */
export function Values({ column, counts, rows, onFilter }: ValuesProps) {
  const words = useWords();
  const most = Math.max(1, ...counts.map(({ count }) => count));
  return (
    <ul class="nbt-values">
      {counts.map((count, index) => (
        <Value
          key={index}
          bar={ofCount(column, count)}
          rows={rows}
          share={count.count / most}
          words={words}
          onFilter={onFilter}
        />
      ))}
    </ul>
  );
}

interface ValueProps {
  bar: Bar;
  rows: number;
  share: number;
  words: I18n;
  onFilter(filter: Filter): void;
}

function Value({ bar: { text, count, filter }, rows, share, words, onFilter }: ValueProps) {
  return (
    <li>
      <button
        type="button"
        disabled={!filter}
        title={words.t("data.filter.show")}
        onClick={() => filter && onFilter(filter)}
      >
        <span class="nbt-values-bar" style={{ inlineSize: `${share * 100}%` }} />
        <bdi class="nbt-values-name">{text === "" ? words.t("data.empty_text") : text}</bdi>
        <span class="nbt-values-count">{words.integer(count)}</span>
        <span class="nbt-values-share">{rows > 0 ? words.percent(count / rows, 1) : ""}</span>
      </button>
    </li>
  );
}

function LengthSection({ kind, lengths }: { kind: "characters" | "tokens" | "elements"; lengths: Lengths }) {
  const words = useWords();
  const { minimum, maximum, mean, quantiles, histogram, cells, sampled } = lengths;
  const facts = {
    mean: words.figure(mean),
    median: words.figure(quantiles[2] ?? mean),
    most: words.figure(quantiles[4] ?? maximum),
  };
  return (
    <Section title={words.t(`data.lengths.${kind}`)}>
      <Bars
        distribution={{
          ...ofHistogram("", histogram, false),
          from: words.integer(minimum),
          to: words.integer(maximum),
        }}
        rows={cells}
        filters={[]}
        onFilter={() => undefined}
      />
      <p class="nbt-pane-small">
        {words.t("data.lengths.facts", facts)}
        {sampled && ` ${words.t("data.sampled", { count: cells })}`}
      </p>
    </Section>
  );
}

function PictureSizes({ pictures }: { pictures: NonNullable<ColumnProfile["pictures"]> }) {
  const words = useWords();
  return (
    <Section title={words.t("data.pictures")}>
      <dl class="nbt-facts">
        {pictures.sizes.map(([width, height, count]) => [
          <dt key={`${width} ${height}`}>{`${words.integer(width)} × ${words.integer(height)}`}</dt>,
          <dd key={`${width} ${height}=`}>{words.integer(count)}</dd>,
        ])}
        {pictures.unreadable > 0 && [
          <dt key="unreadable">{words.t("data.unreadable")}</dt>,
          <dd key="unreadable=">{words.integer(pictures.unreadable)}</dd>,
        ]}
      </dl>
      {pictures.sampled && <p class="nbt-pane-small">{words.t("data.sampled", { count: pictures.cells })}</p>}
    </Section>
  );
}
