/** The list of datasets: searched, sorted, walked with the arrow keys. */

import { useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { type I18n, useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import { useUid } from "../shared/uid";
import { TaskCard } from "../shared/work/task_card";
import { UploadCard } from "../shared/work/upload_card";
import type { Imports } from "../shared/work/use_imports";
import { argsOf } from "./split/parts";
import type { DatasetRow } from "./wire";
import "./sidebar.css";

type Order = "created" | "name" | "rows" | "bytes";

const ORDERS: readonly Order[] = ["created", "name", "rows", "bytes"];
const ICONS: Record<DatasetRow["kind"], IconName> = { table: "table", text: "text", image: "image", audio: "sound" };

export interface SidebarProps {
  rows: readonly DatasetRow[];
  chosen: string | null;
  /** The other side shows how to add data. */
  adding: boolean;
  imports: Imports;
  onChoose(dataset: string): void;
  onAdd(): void;
}

export function Sidebar({ rows, chosen, adding, imports, onChoose, onAdd }: SidebarProps) {
  const words = useWords();
  const id = useUid();
  const [search, setSearch] = useState("");
  const [order, setOrder] = useState<Order>("created");
  const shown = arranged(rows, search, order, words.language);
  return (
    <section class="nbt-sidebar" aria-labelledby={`${id}-title`}>
      <header class="nbt-sidebar-head">
        <h2 id={`${id}-title`}>{words.t("datasets.title")}</h2>
        <span class="nbt-sidebar-count nbt-number">{words.integer(rows.length)}</span>
        <Button icon="plus" label={words.t("datasets.add")} pressed={adding} onClick={onAdd} />
      </header>
      <div class="nbt-sidebar-tools">
        <label class="nbt-sidebar-search">
          <Icon name="search" size={14} />
          <input
            class="nbt-input"
            type="search"
            dir="auto"
            aria-label={words.t("datasets.search")}
            placeholder={words.t("datasets.search")}
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <Choice
          id={`${id}-order`}
          label={words.t("datasets.order")}
          value={order}
          options={ORDERS.map((value) => ({ value, label: words.t(`datasets.order.${value}`) }))}
          onChange={(value) => setOrder(value as Order)}
        />
      </div>
      {!adding && (imports.running.length > 0 || imports.uploads.length > 0) && (
        <div class="nbt-sidebar-tasks">
          {imports.uploads.map((upload) => (
            <UploadCard key={upload} upload={upload} imports={imports} />
          ))}
          {imports.running.map((task) => (
            <TaskCard key={task.task} task={task} />
          ))}
        </div>
      )}
      {!adding && imports.failed.length > 0 && (
        <button type="button" class="nbt-link nbt-sidebar-failed" onClick={onAdd}>
          {words.t("datasets.failed", { count: imports.failed.length })}
        </button>
      )}
      <Rows rows={shown} chosen={chosen} label={`${id}-title`} onChoose={onChoose} />
      <p class="nbt-hidden" role="status">
        {search !== "" && words.t("datasets.found", { count: shown.length })}
      </p>
    </section>
  );
}

interface RowsProps {
  rows: readonly DatasetRow[];
  chosen: string | null;
  label: string;
  onChoose(dataset: string): void;
}

function Rows({ rows, chosen, label, onChoose }: RowsProps) {
  const words = useWords();
  const list = useRef<HTMLDivElement>(null);
  // Where the chosen one was filtered out, the first row still can be reached.
  const reachable = rows.some(({ id }) => id === chosen) ? chosen : rows[0]?.id;
  const move = (event: KeyboardEvent): void => {
    const at = rows.findIndex(({ id }) => id === reachable);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    const next = steps[event.key];
    const row = next === undefined ? undefined : rows[next];
    if (!row) return;
    event.preventDefault();
    onChoose(row.id);
    list.current?.querySelectorAll<HTMLElement>("[role=option]")[rows.indexOf(row)]?.focus();
  };
  if (rows.length === 0) return <p class="nbt-sidebar-none nbt-soft">{words.t("datasets.none_found")}</p>;
  return (
    <div ref={list} class="nbt-sidebar-list" role="listbox" aria-labelledby={label} onKeyDown={move}>
      {rows.map((row) => (
        <button
          key={row.id}
          type="button"
          role="option"
          class="nbt-dataset"
          aria-selected={row.id === chosen}
          tabIndex={row.id === reachable ? 0 : -1}
          onClick={() => onChoose(row.id)}
        >
          <Icon name={ICONS[row.kind]} />
          <span class="nbt-dataset-name" title={row.name}>
            <bdi>{row.name}</bdi>
          </span>
          <span class="nbt-dataset-size nbt-number">{sizeText(row, words)}</span>
          <span class="nbt-dataset-source" title={`${words.date(row.created)}\n${sourceText(row, words)}`}>
            <bdi>{sourceText(row, words, shortSource)}</bdi>
          </span>
        </button>
      ))}
    </div>
  );
}

/** `5,574 rows · 2 columns`. */
function sizeText(row: DatasetRow, words: I18n): string {
  return [words.t("datasets.rows", { count: row.rows }), words.t("datasets.columns", { count: row.columns })].join(
    " · ",
  );
}

/** Where a dataset comes from, in the reader's language; `write` changes how a path is written. */
export function sourceText(
  { source, origin }: DatasetRow,
  words: I18n,
  write: (path: string) => string = (path) => path,
): string {
  if (!origin) return write(source);
  const args = argsOf(origin.args);
  return words.t(`datasets.source.${origin.kind}`, { ...args, path: write(String(args.path ?? "")) });
}

/** Of a path its last part: the whole is in the tooltip, and beside the dataset when it is chosen. */
export function shortSource(source: string): string {
  return /^(?:[/~\\]|[A-Za-z]:)/.test(source) ? (source.split(/[/\\]/).filter(Boolean).at(-1) ?? source) : source;
}

/** Those whose name or source holds every word of the search, in the order that was asked for. */
export function arranged(rows: readonly DatasetRow[], search: string, order: Order, language: string): DatasetRow[] {
  const wanted = search.toLocaleLowerCase(language).split(/\s+/).filter(Boolean);
  const text = (row: DatasetRow): string => `${row.name} ${row.source}`.toLocaleLowerCase(language);
  const found = rows.filter((row) => wanted.every((word) => text(row).includes(word)));
  const collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  if (order === "name") return found.sort((a, b) => collator.compare(a.name, b.name));
  return found.sort((a, b) => b[order] - a[order]);
}
