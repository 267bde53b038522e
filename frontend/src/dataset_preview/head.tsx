/** The heads of the columns: name, kind, what is missing, and a drawing of what they hold. */

// biome-ignore-all lint/a11y/useSemanticElements: rows and cells are placed by hand, which a <table> does not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell

import { useRef } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { Bars, distributionOf } from "./bars";
import { KindIcon } from "./kinds";
import { NARROWEST, type Slot, WIDEST } from "./layout";
import type { Filter, Query, Sort } from "./query";
import type { ColumnProfile } from "./wire";

export interface HeadProps {
  id: string;
  slot: Slot;
  position: number;
  query: Query;
  profile: ColumnProfile | undefined;
  /** The profile is being made. */
  busy: boolean;
  active: boolean;
  onSort(): void;
  onOpen(): void;
  onFilter(filter: Filter): void;
  onResize(width: number): void;
}

export function ColumnHead(props: HeadProps) {
  const { id, slot, position, query, profile, busy, active, onSort, onOpen, onFilter, onResize } = props;
  const words = useWords();
  const { column } = slot;
  const sort = query.sort.find((known) => known.column === column.name);
  const distribution = profile && distributionOf(profile, words);
  return (
    <div
      id={id}
      role="columnheader"
      aria-colindex={position + 1}
      aria-sort={sort === undefined ? "none" : sort.descending ? "descending" : "ascending"}
      class={active ? "nbt-head nbt-cell-active" : "nbt-head"}
      style={{ insetInlineStart: `${slot.start}px`, inlineSize: `${slot.width}px` }}
    >
      <button
        type="button"
        tabIndex={-1}
        class="nbt-head-name"
        title={words.t("data.sort.help", { column: column.name })}
        onClick={onSort}
      >
        <bdi>{column.name === "" ? words.t("data.unnamed") : column.name}</bdi>
        {sort && <SortArrow sort={sort} />}
      </button>
      <button
        type="button"
        tabIndex={-1}
        class="nbt-head-kind"
        title={words.t("data.column.help", { type: column.type })}
        onClick={onOpen}
      >
        <KindIcon kind={column.kind} />
        <span>{words.t(`data.kind.${column.kind}`)}</span>
        {profile && profile.missing > 0 && <MissingShare profile={profile} />}
      </button>
      {distribution ? (
        <Bars distribution={distribution} rows={profile?.rows ?? 0} filters={query.filters} onFilter={onFilter} />
      ) : (
        <div class={busy ? "nbt-bars nbt-bars-waiting" : "nbt-bars"} />
      )}
      <Grip width={slot.width} onResize={onResize} />
    </div>
  );
}

function MissingShare({ profile: { missing, rows } }: { profile: ColumnProfile }) {
  const words = useWords();
  const share = missing / rows;
  const text = share < 0.001 ? `< ${words.percent(0.001, 1)}` : words.percent(share, share < 0.1 ? 1 : 0);
  const said = words.t("data.missing.share", { share: text });
  return (
    <span class="nbt-head-missing" role="img" aria-label={said} title={said}>
      — {text}
    </span>
  );
}

function SortArrow({ sort }: { sort: Sort }) {
  return <Icon name={sort.descending ? "arrow_down" : "arrow_up"} size={14} />;
}

/** The edge of a column, to be dragged. */
function Grip({ width, onResize }: { width: number; onResize(width: number): void }) {
  const from = useRef<{ x: number; width: number } | null>(null);
  const { direction } = useWords();
  const move = (event: PointerEvent): void => {
    if (!from.current) return;
    const way = (event.clientX - from.current.x) * (direction === "rtl" ? -1 : 1);
    onResize(Math.min(WIDEST, Math.max(NARROWEST, from.current.width + way)));
  };
  return (
    <span
      class="nbt-head-grip"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width };
      }}
      onPointerMove={move}
      onPointerUp={() => {
        from.current = null;
      }}
      onPointerCancel={() => {
        from.current = null;
      }}
    />
  );
}
