/** A list of any length of which only what is seen is drawn: lines, or cards side by side. Walked with the arrow keys. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { useUid } from "../shared/uid";
import "./virtual.css";

/** Lines drawn before and after what is seen. */
const MARGIN = 4;
/** The height of a view that has none yet. */
const UNSEEN = 448;
/** Who walks through the list with a key held down opens only where they rest. */
const REST_MS = 120;

export interface VirtualProps {
  count: number;
  label: string;
  /** Pixels of a line. */
  height: number;
  /** Cards are at least so wide; without it there is one in a line. */
  cardWidth?: number;
  /** The one that is open, or −1. */
  open: number;
  /** Drawn anew from the top when this changes. */
  key_: string;
  render(index: number): ComponentChildren;
  onOpen(index: number, byKey: boolean): void;
  /** Entries from `first` up to `last` are looked at. */
  onWant(first: number, last: number): void;
}

export function Virtual({ count, label, height, cardWidth, open, key_, render, onOpen, onWant }: VirtualProps) {
  const words = useWords();
  const id = useUid();
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [size, setSize] = useState({ width: 0, height: UNSEEN });
  const [active, setActive] = useState(Math.max(0, open));
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const columns = cardWidth === undefined ? 1 : Math.max(1, Math.floor(size.width / cardWidth));
  const first = Math.max(0, Math.floor(top / height) - MARGIN) * columns;
  const last = Math.min(count, (Math.ceil((top + size.height) / height) + MARGIN) * columns);
  const at = Math.min(active, count - 1);

  useLayoutEffect(() => {
    const el = list.current;
    if (!el) return undefined;
    const measure = (): void => setSize({ width: el.clientWidth, height: el.clientHeight || UNSEEN });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (list.current) list.current.scrollTop = 0;
    setTop(0);
    setActive(0);
  }, [key_]);
  useEffect(() => {
    if (open >= 0) setActive(open);
  }, [open]);
  useEffect(() => {
    if (count > 0) onWant(first, last);
  }, [first, last, count, key_]);
  useEffect(() => () => clearTimeout(rest.current), []);

  const reveal = (index: number): void => {
    const el = list.current;
    if (!el) return;
    const start = Math.floor(index / columns) * height;
    if (start < el.scrollTop) el.scrollTop = start;
    else if (start + height > el.scrollTop + size.height) el.scrollTop = start + height - size.height;
    setTop(el.scrollTop);
  };
  const move = (event: KeyboardEvent): void => {
    const line = Math.max(1, Math.floor(size.height / height) - 1) * columns;
    const forward = words.direction === "rtl" ? -1 : 1;
    const ways: Record<string, number> = {
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      PageDown: at + line,
      PageUp: at - line,
      Home: 0,
      End: count - 1,
      ...(columns > 1 ? { ArrowRight: at + forward, ArrowLeft: at - forward } : {}),
    };
    const way = ways[event.key];
    if (way === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (way === undefined) {
      clearTimeout(rest.current);
      if (at >= 0) onOpen(at, true);
      return;
    }
    const next = Math.max(0, Math.min(way, count - 1));
    setActive(next);
    reveal(next);
    clearTimeout(rest.current);
    if (open >= 0) rest.current = setTimeout(() => onOpen(next, false), REST_MS);
  };

  const shown = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  return (
    <div
      ref={list}
      class="nbt-virtual"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={at >= first && at < last ? `${id}-${at}` : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={move}
    >
      <div class="nbt-virtual-all" style={{ blockSize: `${Math.ceil(count / columns) * height}px` }}>
        {shown.map((index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
          <div
            key={index}
            id={`${id}-${index}`}
            class={index === at ? "nbt-virtual-entry nbt-virtual-active" : "nbt-virtual-entry"}
            role="option"
            tabIndex={-1}
            aria-selected={index === open}
            aria-posinset={index + 1}
            aria-setsize={count}
            style={{
              blockSize: `${height}px`,
              inlineSize: `${100 / columns}%`,
              insetBlockStart: `${Math.floor(index / columns) * height}px`,
              insetInlineStart: `${((index % columns) * 100) / columns}%`,
            }}
            onClick={() => {
              setActive(index);
              onOpen(index, false);
            }}
          >
            {render(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
