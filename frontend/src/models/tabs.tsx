/** Tabs, walked with the arrow keys. */

import { useRef } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import "./tabs.css";

export interface Tab<T extends string> {
  name: T;
  label: string;
  icon?: IconName;
  /** Quiet, beside the word. */
  count?: number;
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
  return (
    <div ref={list} class="nbt-tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(({ name, label: word, icon, count }) => (
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
        </button>
      ))}
    </div>
  );
}
