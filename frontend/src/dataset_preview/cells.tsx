/** Cells of the table: whatever they hold is text, and images are made small by the kernel. */

// biome-ignore-all lint/a11y/useSemanticElements: rows and cells are placed by hand, which a <table> does not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell

import { type I18n, useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { useValue } from "../shared/signal";
import { isFigure, isNumeric } from "./kinds";
import type { Slot } from "./layout";
import type { Cell } from "./page";
import type { Source } from "./source";

/** Texts beyond this many characters may be cut by their column. */
const LONG = 12;

export interface CellProps {
  id: string;
  slot: Slot;
  row: number;
  /** Place among the columns on show, from 1. */
  position: number;
  cell: Cell | undefined;
  source: Source;
  active: boolean;
  onActive(): void;
  onOpen(): void;
}

export function TableCell({ id, slot, row, position, cell, source, active, onActive, onOpen }: CellProps) {
  const words = useWords();
  const { kind } = slot.column;
  const names = ["nbt-cell"];
  if (isNumeric(kind)) names.push("nbt-cell-end");
  if (active) names.push("nbt-cell-active");
  // What is not seen whole in its cell opens at once.
  const opens = cell !== undefined && cell.full !== null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the grid's
    <div
      id={id}
      role="gridcell"
      aria-colindex={position + 1}
      aria-selected={active}
      class={names.join(" ")}
      data-column={slot.index}
      style={{ insetInlineStart: `${slot.start}px`, inlineSize: `${slot.width}px` }}
      title={cell?.text && cell.text.length > LONG ? cell.text : undefined}
      onMouseDown={(event) => {
        if (event.detail > 1) event.preventDefault(); // a double click opens, and marks no word
      }}
      onClick={opens ? onOpen : onActive}
      onDblClick={onOpen}
    >
      {cell === undefined ? (
        <span class="nbt-cell-waiting" style={{ inlineSize: `${35 + ((row * 7 + slot.index * 13) % 45)}%` }} />
      ) : kind === "image" && cell.full !== null ? (
        <Picture source={source} slot={slot} row={row} />
      ) : (
        <Content cell={cell} slot={slot} words={words} />
      )}
    </div>
  );
}

function Content({ cell, slot, words }: { cell: Cell; slot: Slot; words: I18n }) {
  const { kind } = slot.column;
  if (kind === "binary" || kind === "image" || kind === "audio") {
    if (cell.full === null) return <Missing words={words} />;
    return (
      <span class="nbt-cell-size">
        {kind === "audio" && <Icon name="play" size={14} />}
        {words.bytes(cell.full)}
      </span>
    );
  }
  if (cell.text === null) return <Missing words={words} />;
  if (cell.text === "") return <span class="nbt-cell-faint">{words.t("data.empty_text")}</span>;
  if (isFigure(kind)) {
    return (
      <span dir="ltr" class="nbt-number">
        {cell.text}
      </span>
    );
  }
  if (kind === "boolean") return <span>{words.t(cell.text === "true" ? "data.true" : "data.false")}</span>;
  return (
    <span class={kind === "nested" ? "nbt-cell-text nbt-cell-code" : "nbt-cell-text"} dir="auto">
      {cell.text}
      {cell.full !== null && "…"}
    </span>
  );
}

function Missing({ words }: { words: I18n }) {
  return (
    <span class="nbt-cell-faint" role="img" aria-label={words.t("data.missing")}>
      —
    </span>
  );
}

/** An image in a cell, as small as the kernel made it. */
function Picture({ source, slot, row }: { source: Source; slot: Slot; row: number }) {
  const words = useWords();
  const pictures = source.pictures(slot.column.name);
  useValue(pictures.version);
  const failure = useValue(pictures.failure);
  const found = pictures.at(row);
  const medium = found?.chunk[found.place];
  if (!medium && failure === null) return <span class="nbt-cell-waiting nbt-cell-picture" />;
  if (!medium?.url) return <span class="nbt-cell-faint">{words.t("data.unreadable")}</span>;
  const { path, width, height } = medium.item;
  return <img class="nbt-cell-picture" src={medium.url} alt={path || `${width} × ${height}`} draggable={false} />;
}
