/** Above the table: search, columns, target, how many rows there are; below it the filters that hold. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { type I18n, useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { useUid } from "../shared/uid";
import { written } from "./bars";
import { isMedia, KindIcon } from "./kinds";
import type { Filter, Query } from "./query";
import type { TableColumn } from "./wire";

const TYPING_MS = 300;

export function Search({ text, onSearch }: { text: string; onSearch(text: string): void }) {
  const words = useWords();
  const [typed, setTyped] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (value: string, wait: number): void => {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(value), wait);
  };
  return (
    <div class="nbt-search">
      <Icon name="search" size={14} />
      <input
        type="search"
        class="nbt-input"
        dir="auto"
        placeholder={words.t("data.search")}
        aria-label={words.t("data.search")}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => change(event.currentTarget.value, TYPING_MS)}
        onKeyDown={(event) => {
          if (event.key === "Enter") change(typed, 0);
          else if (event.key === "Escape" && typed !== "") {
            event.stopPropagation();
            change("", 0);
          }
        }}
      />
    </div>
  );
}

export interface ColumnChooserProps {
  columns: readonly TableColumn[];
  hidden: ReadonlySet<string>;
  onChange(hidden: ReadonlySet<string>): void;
}

export function ColumnChooser({ columns, hidden, onChange }: ColumnChooserProps) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  const el = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event: PointerEvent): void => {
      if (!el.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away, true);
    return () => document.removeEventListener("pointerdown", away, true);
  }, [open]);
  const toggle = (name: string): void => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    onChange(next);
  };
  const shown = columns.length - hidden.size;
  const count = hidden.size > 0 ? `${words.integer(shown)} / ${words.integer(columns.length)}` : words.integer(shown);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the list wherever the focus is in it
    <div
      ref={el}
      class="nbt-menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setOpen(false);
      }}
    >
      <Button
        icon="columns"
        label={`${words.t("data.columns")} · ${count}`}
        pressed={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <fieldset class="nbt-menu-list">
          <legend class="nbt-hidden">{words.t("data.columns")}</legend>
          {hidden.size > 0 && <Button label={words.t("data.columns.all")} quiet onClick={() => onChange(new Set())} />}
          {columns.map(({ name, kind }) => (
            <label key={name} class="nbt-menu-row">
              <input
                type="checkbox"
                checked={!hidden.has(name)}
                disabled={shown === 1 && !hidden.has(name)}
                onChange={() => toggle(name)}
              />
              <KindIcon kind={kind} />
              <bdi title={name}>{name === "" ? words.t("data.unnamed") : name}</bdi>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}

export interface TargetChoiceProps {
  columns: readonly TableColumn[];
  target: string | null;
  onChange(target: string | null): void;
}

/** Which column is to be learnt. */
export function TargetChoice({ columns, target, onChange }: TargetChoiceProps) {
  const words = useWords();
  const id = useUid();
  // A column may be called anything, so options are told apart by their place.
  const fitting = columns.filter(({ kind }) => !isMedia(kind) && kind !== "binary" && kind !== "nested");
  const place = fitting.findIndex(({ name }) => name === target);
  return (
    <div class="nbt-target">
      <Choice
        id={id}
        label={words.t("data.target")}
        value={String(place)}
        options={[
          { value: "-1", label: words.t("data.target.none") },
          ...fitting.map(({ name }, index) => ({
            value: String(index),
            label: words.t("data.target.column", { column: name === "" ? words.t("data.unnamed") : name }),
          })),
        ]}
        onChange={(value) => onChange(fitting[Number(value)]?.name ?? null)}
      />
    </div>
  );
}

export interface RowCountProps {
  found: number | null;
  total: number | null;
  everything: boolean;
}

export function RowCount({ found, total, everything }: RowCountProps) {
  const words = useWords();
  let text = words.t("data.counting");
  if (found !== null) {
    text =
      everything || total === null ? words.t("data.rows", { count: found }) : words.t("data.found", { found, total });
  }
  return (
    <span class="nbt-row-count" role="status">
      {text}
    </span>
  );
}

export interface ChipsProps {
  query: Query;
  onRemove(filter: Filter): void;
  onClear(): void;
  children?: ComponentChildren;
}

export function Chips({ query, onRemove, onClear }: ChipsProps) {
  const words = useWords();
  if (query.filters.length === 0) return null;
  return (
    <ul class="nbt-chips" aria-label={words.t("data.filters")}>
      {query.filters.map((filter) => (
        <li key={JSON.stringify(filter)} class="nbt-chip">
          <span dir="auto">{filterText(filter, words)}</span>
          <Button icon="close" label={words.t("data.filter.remove")} quiet iconOnly onClick={() => onRemove(filter)} />
        </li>
      ))}
      {query.filters.length > 1 && (
        <li>
          <Button label={words.t("data.filters.clear")} quiet onClick={onClear} />
        </li>
      )}
    </ul>
  );
}

/** A filter in words; names and values keep their own direction. */
export function filterText({ column, op, value }: Filter, words: I18n): string {
  const isolated = (text: string): string => `\u2068${text}\u2069`;
  const name = isolated(column === "" ? words.t("data.unnamed") : column);
  const values = (Array.isArray(value) ? value : value === null ? [] : [value]).map((each) =>
    isolated(each === "" ? words.t("data.empty_text") : written(each)),
  );
  return words.t(`data.filter.${op}`, {
    column: name,
    value: values.join(", "),
    from: values[0] ?? "",
    to: values[1] ?? "",
  });
}
