/** A search, with what narrows it down beside it; in a narrow list that is folded away. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import { useUid } from "../shared/uid";
import "./tools.css";

export interface ToolsProps {
  search: ComponentChildren;
  /** How many filters are at work. */
  on: number;
  children: ComponentChildren;
}

export function Tools({ search, on, children }: ToolsProps) {
  const words = useWords();
  const id = useUid();
  const [open, setOpen] = useState(false);
  return (
    <search class={open ? "nbt-tools nbt-tools-open" : "nbt-tools"}>
      {search}
      <span class="nbt-tools-fold">
        <Button
          icon="filter"
          quiet={on === 0}
          pressed={open}
          label={on > 0 ? words.t("models.filters.on", { count: on }) : words.t("models.filters")}
          onClick={() => setOpen(!open)}
        />
      </span>
      <div id={id} class="nbt-tools-more">
        {children}
      </div>
    </search>
  );
}
