/** Tabs, walked with the arrow keys. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useWords } from "../i18n";
import { Icon, type IconName } from "../icons";
import "./tabs.css";

export interface Tab<T extends string> {
  name: T;
  label: string;
  icon?: IconName;
  /** Quiet, beside the word. */
  count?: number | undefined;
  /** What else stands there. */
  mark?: ComponentChildren;
}

export interface TabsProps<T extends string> {
  /** Of the elements: the tabs are `<id>-<name>`, what they show is `<id>-body`. */
  id: string;
  label: string;
  tabs: readonly Tab<T>[];
  current: T;
  onChoose(name: T): void;
}

export function Tabs<T extends string>({ id, label, tabs, current, onChoose }: TabsProps<T>) {
  const words = useWords();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ name }) => name === current);
    const forward = words.direction === "rtl" ? -1 : 1;
    const steps: Record<string, number> = {
      ArrowRight: at + forward,
      ArrowLeft: at - forward,
      Home: 0,
      End: tabs.length - 1,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const index = (step + tabs.length) % tabs.length;
    const next = tabs[index];
    if (next) onChoose(next.name);
    list.current?.querySelectorAll("button")[index]?.focus();
  };
  // Where the tabs do not fit, the chosen one is in sight all the same.
  useEffect(() => {
    const chosen = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    const { current: line } = list;
    if (!chosen || !line) return;
    const { left, right } = chosen.getBoundingClientRect();
    const edge = line.getBoundingClientRect();
    if (left < edge.left) line.scrollLeft -= edge.left - left;
    else if (right > edge.right) line.scrollLeft += right - edge.right;
  }, [current]);
  return (
    <div ref={list} class="nbt-tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(({ name, label: word, icon, count, mark }) => (
        <button
          key={name}
          id={`${id}-${name}`}
          type="button"
          role="tab"
          aria-selected={name === current}
          aria-controls={`${id}-body`}
          tabIndex={name === current ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {icon && <Icon name={icon} size={14} />}
          <span>{word}</span>
          {count !== undefined && <span class="nbt-tabs-count nbt-number">{words.integer(count)}</span>}
          {mark}
        </button>
      ))}
    </div>
  );
}
