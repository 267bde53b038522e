/** A nested value as a tree whose branches open. */

import { useState } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { Exact, entriesOf } from "./nested";

/** Branches up to this depth are open from the start, if they are short. */
const OPEN_DEPTH = 3;
const OPEN_ENTRIES = 30;
/** Entries of one branch that are drawn at a time. */
const STEP = 100;

export function Tree({ value }: { value: unknown }) {
  return (
    <div class="nbt-tree" dir="ltr">
      <Branch name={null} value={value} depth={0} />
    </div>
  );
}

function Branch({ name, value, depth }: { name: string | null; value: unknown; depth: number }) {
  const words = useWords();
  const entries = entriesOf(value);
  const [open, setOpen] = useState(depth < OPEN_DEPTH && (entries?.length ?? 0) <= OPEN_ENTRIES);
  const [most, setMost] = useState(STEP);
  if (entries === null || entries.length === 0) {
    return (
      <div class="nbt-tree-leaf">
        <Name name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  const rest = entries.length - most;
  return (
    <details class="nbt-tree-branch" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Name name={name} />
        <span class="nbt-tree-count">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {open && (
        <div class="nbt-tree-entries">
          {entries.slice(0, most).map(([key, item]) => (
            <Branch key={key} name={key} value={item} depth={depth + 1} />
          ))}
          {rest > 0 && (
            <button type="button" class="nbt-tree-more" onClick={() => setMost(most + STEP)}>
              {words.t("data.tree.more", { count: rest })}
            </button>
          )}
        </div>
      )}
    </details>
  );
}

function Name({ name }: { name: string | null }) {
  return name === null ? null : <bdi class="nbt-tree-name">{name}</bdi>;
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === "string") {
    return (
      <span class="nbt-tree-text" dir="auto">
        {value}
      </span>
    );
  }
  if (value === null) return <span class="nbt-cell-faint">null</span>;
  if (value instanceof Exact) return <span class="nbt-tree-figure">{value.source}</span>;
  return <span class="nbt-tree-figure">{JSON.stringify(value)}</span>;
}
