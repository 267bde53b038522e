/** A split as bars: the rows of each part, and each class's share of each part. */

import { useState } from "preact/hooks";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { scalarText } from "../profile/classes";
import type { SplitView } from "../wire";
import { PARTS } from "./sliders";

const ALL = [...PARTS, "left_out"] as const;
/** Classes shown at first. */
const SHOWN = 10;

export function Parts({ split }: { split: SplitView }) {
  const words = useWords();
  const rows = split.counts.reduce((sum, count) => sum + count, 0);
  const parts = ALL.map((name, index) => ({ name, count: split.counts[index] ?? 0 })).filter(({ count }) => count > 0);
  return (
    <>
      <div class="nbt-parts-bar" aria-hidden="true">
        {parts.map(({ name, count }) => (
          <span key={name} class={`nbt-part-${name}`} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul class="nbt-parts">
        {parts.map(({ name, count }) => (
          <li key={name}>
            <span class="nbt-part-name">
              <span class={`nbt-part-dot nbt-part-${name}`} aria-hidden="true" />
              {words.t(`datasets.part.${name}`)}
            </span>
            <span class="nbt-parts-count nbt-number">{words.integer(count)}</span>
            <span class="nbt-soft nbt-number">{words.percent(rows > 0 ? count / rows : 0, 1)}</span>
          </li>
        ))}
      </ul>
      {split.notes.map((note) => (
        <p key={note.kind} class="nbt-split-note">
          <Icon name="bulb" size={14} />
          <span dir="auto">{words.t(`split.note.${note.kind}`, argsOf(note.args))}</span>
        </p>
      ))}
      {split.classes.length > 0 && <ClassBars split={split} />}
    </>
  );
}

/** Three small bars a class: alike in length where each part has its share of the class. */
function ClassBars({ split }: { split: SplitView }) {
  const words = useWords();
  const [all, setAll] = useState(false);
  const shares = split.classes.map(({ value, parts }) => ({
    value,
    parts: PARTS.map((name, index) => {
      const of = split.counts[index] ?? 0;
      const count = parts[index] ?? 0;
      return { name, count, share: of > 0 ? count / of : 0 };
    }).filter((_, index) => (split.counts[index] ?? 0) > 0),
  }));
  const most = Math.max(...shares.flatMap(({ parts }) => parts.map(({ share }) => share)), 1e-9);
  const shown = all ? shares : shares.slice(0, SHOWN);
  return (
    <section class="nbt-split-classes">
      <h3>{words.t("datasets.split.classes")}</h3>
      <ul>
        {shown.map(({ value, parts }) => (
          <li key={String(value)}>
            <span class="nbt-class-name" title={scalarText(value, words)}>
              <bdi>{scalarText(value, words)}</bdi>
            </span>
            <span class="nbt-split-bars">
              {parts.map(({ name, count, share }) => (
                <span
                  key={name}
                  class="nbt-split-bar"
                  title={words.t("datasets.split.bar", {
                    part: words.t(`datasets.part.${name}`),
                    rows: words.integer(count),
                    share: words.percent(share, 1),
                  })}
                >
                  <span class="nbt-split-fill">
                    <span class={`nbt-part-${name}`} style={{ inlineSize: `${(share / most) * 100}%` }} />
                  </span>
                  <span class="nbt-number">{words.percent(share, 1)}</span>
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {shares.length > SHOWN && (
        <button type="button" class="nbt-link" aria-expanded={all} onClick={() => setAll(!all)}>
          {words.t(all ? "datasets.fewer" : "datasets.more", { count: shares.length - SHOWN })}
        </button>
      )}
    </section>
  );
}

/** Arguments of words: what is missing, true or false is no number and no text. */
export function argsOf(args: Readonly<Record<string, unknown>>): Record<string, string | number> {
  const entries = Object.entries(args).map(([name, value]): [string, string | number] => [
    name,
    typeof value === "number" ? value : Array.isArray(value) ? value.join(", ") : String(value ?? ""),
  ]);
  return Object.fromEntries(entries);
}
