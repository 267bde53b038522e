/** The table itself: a few rows of many, drawn where the scrollbar stands, read and steered by mouse and keyboard. */

// biome-ignore-all lint/a11y/useSemanticElements: rows and cells are placed by hand, which a <table> does not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell

import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import { TableCell } from "./cells";
import { ColumnHead } from "./head";
import { isMedia } from "./kinds";
import { type Layout, slotsSeen } from "./layout";
import { type Filter, nextSort, type Query } from "./query";
import { ROW_HEIGHT, Scroll } from "./scroll";
import type { Source } from "./source";
import { type Place, useKeys } from "./use_keys";
import type { ColumnProfile } from "./wire";

export const HEAD_HEIGHT = 100;
/** Rows drawn beyond those that are seen, for the next turn of the wheel. */
const MARGIN_ROWS = 8;
/** Images are asked for a little ahead, rows of text much. */
const MEDIA_MARGIN = 4;
const PAGE_MARGIN = 40;
/** Once nothing has moved for so long, the scrollbar is put where it belongs. */
const SETTLE_MS = 180;

export interface GridProps {
  source: Source;
  layout: Layout;
  profiles: ReadonlyMap<string, ColumnProfile>;
  profiling: boolean;
  active: Place | null;
  onActive(place: Place): void;
  onOpen(place: Place): void;
  onCopy(place: Place): void;
  onQuery(query: Query): void;
  onFilter(filter: Filter): void;
  onResize(column: string, width: number): void;
}

export function Grid(props: GridProps) {
  const { source, layout, profiles, profiling, active, onActive, onOpen, onCopy, onQuery, onFilter, onResize } = props;
  const words = useWords();
  const id = useUid();
  const el = useRef<HTMLDivElement>(null);
  const query = useValue(source.query);
  const found = useValue(source.found);
  useValue(source.pages.version);
  const rows = source.reach;
  const { scroll, left, view } = useScrolling(el, rows, query);

  const [first, last] = scroll.seen;
  const slots = slotsSeen(layout, left, view.width);
  useEffect(() => {
    source.pages.want(Math.max(0, first - PAGE_MARGIN), Math.min(rows, last + PAGE_MARGIN));
    for (const { column } of slots) {
      if (!isMedia(column.kind) || column.kind === "audio") continue;
      source.pictures(column.name).want(Math.max(0, first - MEDIA_MARGIN), Math.min(rows, last + MEDIA_MARGIN));
    }
  });

  const keys = useKeys({ layout, rows, pageRows: Math.max(1, last - first - 1), active, onActive, onOpen, onCopy });
  const sort = (position: number): void => {
    const slot = layout.slots[position];
    if (slot && !isMedia(slot.column.kind)) onQuery(nextSort(query, slot.column.name));
  };
  useLayoutEffect(() => {
    if (active && el.current) reveal(el.current, scroll, layout, active);
  }, [active]);

  const drawn: number[] = [];
  for (let row = Math.max(0, first - MARGIN_ROWS); row < Math.min(rows, last + MARGIN_ROWS); row++) drawn.push(row);
  const cellId = (row: number, position: number): string => `${id}-${row}-${position}`;
  return (
    <div
      ref={el}
      class="nbt-table"
      role="grid"
      tabIndex={0}
      aria-label={words.t("data.table")}
      aria-rowcount={found === null ? -1 : found + 1}
      aria-colcount={layout.slots.length + 1}
      aria-activedescendant={active ? cellId(active.row, active.position) : undefined}
      data-lm-suppress-shortcuts="true"
      onKeyDown={(event) => keys(event, sort)}
    >
      <div class="nbt-table-head" role="row" aria-rowindex={1} style={{ inlineSize: `${layout.width}px` }}>
        <div role="columnheader" aria-colindex={1} class="nbt-row-number" style={{ inlineSize: `${layout.numbers}px` }}>
          <span class="nbt-hidden">{words.t("data.row_number")}</span>
        </div>
        {slots.map((slot) => {
          const { position } = slot;
          return (
            <ColumnHead
              key={slot.index}
              id={cellId(-1, position)}
              slot={slot}
              position={position + 1}
              query={query}
              profile={profiles.get(slot.column.name)}
              busy={profiling}
              active={active?.row === -1 && active.position === position}
              onSort={() => sort(position)}
              onOpen={() => onOpen({ row: -1, position })}
              onFilter={onFilter}
              onResize={(width) => onResize(slot.column.name, width)}
            />
          );
        })}
      </div>
      <div
        class="nbt-table-body"
        role="rowgroup"
        style={{ blockSize: `${scroll.height}px`, inlineSize: `${layout.width}px` }}
      >
        {drawn.map((row) => (
          <div
            key={row}
            role="row"
            aria-rowindex={row + 2}
            class={active?.row === row ? "nbt-row nbt-row-active" : "nbt-row"}
            style={{ transform: `translateY(${scroll.place(row)}px)` }}
          >
            <div role="rowheader" class="nbt-row-number" style={{ inlineSize: `${layout.numbers}px` }}>
              {numberOf(source, row, words.integer.bind(words))}
            </div>
            {slots.map((slot) => {
              const { position } = slot;
              return (
                <TableCell
                  key={slot.index}
                  id={cellId(row, position)}
                  slot={slot}
                  row={row}
                  position={position + 1}
                  cell={source.cell(row, slot.index)}
                  source={source}
                  active={active?.row === row && active.position === position}
                  onActive={() => onActive({ row, position })}
                  onOpen={() => onOpen({ row, position })}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

function numberOf(source: Source, row: number, write: (value: number) => string): string {
  const number = source.number(row);
  return number === undefined ? "" : write(number + 1);
}

/** Listens to the element's scrolling and size, and keeps the scrollbar where it belongs. */
function useScrolling(el: { current: HTMLDivElement | null }, rows: number, query: Query) {
  const scroll = useRef(new Scroll()).current;
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  const left = useRef(0);
  const view = useRef({ width: 0, height: 0 });
  scroll.resize(rows, view.current.height);

  useLayoutEffect(() => {
    const element = el.current;
    if (!element) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const anchor = (): void => {
      if (Math.abs(element.scrollTop - scroll.scrollTop) < 1) return;
      element.scrollTop = scroll.scrollTop;
      scroll.anchored(element.scrollTop);
      redraw(undefined);
    };
    const scrolled = (): void => {
      left.current = Math.abs(element.scrollLeft);
      scroll.moved(element.scrollTop);
      if (scroll.astray) anchor();
      clearTimeout(timer);
      timer = setTimeout(anchor, SETTLE_MS);
      redraw(undefined);
    };
    const measured = (): void => {
      view.current = { width: element.clientWidth, height: Math.max(ROW_HEIGHT, element.clientHeight - HEAD_HEIGHT) };
      redraw(undefined);
    };
    const observer = new ResizeObserver(measured);
    observer.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    measured();
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, [scroll, el]);
  useLayoutEffect(() => {
    scroll.top = 0;
    if (el.current) el.current.scrollTop = 0;
    scroll.anchored(0);
    redraw(undefined);
  }, [query, scroll, el]);
  return { scroll, left: left.current, view: view.current };
}

/** Brings the active cell into view. */
function reveal(element: HTMLElement, scroll: Scroll, layout: Layout, { row, position }: Place): void {
  if (row >= 0) {
    scroll.reveal(row);
    element.scrollTop = scroll.scrollTop;
    scroll.anchored(element.scrollTop);
  }
  const slot = layout.slots[position];
  if (!slot) return;
  const left = Math.abs(element.scrollLeft);
  const sign = getComputedStyle(element).direction === "rtl" ? -1 : 1;
  const end = slot.start + slot.width - element.clientWidth;
  if (slot.start - layout.numbers < left) element.scrollLeft = sign * (slot.start - layout.numbers);
  else if (end > left) element.scrollLeft = sign * Math.min(end, slot.start - layout.numbers);
}
