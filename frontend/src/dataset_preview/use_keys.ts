/** Walking the table by keyboard: rows and columns, the heads of the columns above the first row. */

import { useWords } from "../shared/i18n";
import type { Layout } from "./layout";

/** A cell by its row (−1: the head) and its place among the columns on show. */
export interface Place {
  row: number;
  position: number;
}

export interface KeysOptions {
  layout: Layout;
  rows: number;
  /** Rows that are seen at once. */
  pageRows: number;
  active: Place | null;
  onActive(place: Place): void;
  onOpen(place: Place): void;
  onCopy(place: Place): void;
}

export function useKeys(options: KeysOptions): (event: KeyboardEvent, onSort: (position: number) => void) => void {
  const { direction } = useWords();
  const { layout, rows, pageRows, active, onActive, onOpen, onCopy } = options;
  return (event, onSort) => {
    if (event.target instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ")) return;
    const at = active ?? { row: -1, position: 0 };
    const lastRow = rows - 1;
    const lastPosition = layout.slots.length - 1;
    const to = target(event, at, { lastRow, lastPosition, pageRows, rtl: direction === "rtl" });
    if (to) {
      event.preventDefault();
      onActive({
        row: Math.max(-1, Math.min(to.row, lastRow)),
        position: Math.max(0, Math.min(to.position, lastPosition)),
      });
    } else if (active && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      if (event.key === "Enter" && active.row === -1) onSort(active.position);
      else onOpen(active);
    } else if (active && active.row >= 0 && event.key.toLowerCase() === "c" && (event.ctrlKey || event.metaKey)) {
      if (String(getSelection()) !== "") return; // what is marked is meant
      event.preventDefault();
      onCopy(active);
    }
  };
}

interface Bounds {
  lastRow: number;
  lastPosition: number;
  pageRows: number;
  rtl: boolean;
}

function target(event: KeyboardEvent, at: Place, { lastRow, lastPosition, pageRows, rtl }: Bounds): Place | null {
  const whole = event.ctrlKey || event.metaKey;
  switch (event.key) {
    case "ArrowDown":
      return { ...at, row: at.row + 1 };
    case "ArrowUp":
      return { ...at, row: at.row - 1 };
    case "ArrowRight":
      return { ...at, position: at.position + (rtl ? -1 : 1) };
    case "ArrowLeft":
      return { ...at, position: at.position + (rtl ? 1 : -1) };
    case "PageDown":
      return { ...at, row: at.row + pageRows };
    case "PageUp":
      return { ...at, row: Math.max(0, at.row - pageRows) };
    case "Home":
      return whole ? { row: 0, position: 0 } : { ...at, position: 0 };
    case "End":
      return whole ? { row: lastRow, position: lastPosition } : { ...at, position: lastPosition };
    default:
      return null;
  }
}
