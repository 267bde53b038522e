/** A list, and beside it what was opened in it. Where there is no room for both, that takes the list's place. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import "./split.css";

export interface SplitProps {
  list: ComponentChildren;
  open: boolean;
  /** What was opened takes the keys. */
  focus: boolean;
  label: string;
  onClose(): void;
  children: ComponentChildren;
}

export function Split({ list, open, focus, label, onClose, children }: SplitProps) {
  const words = useWords();
  const side = useRef<HTMLDivElement>(null);
  const detail = useRef<HTMLElement>(null);
  useEffect(() => {
    if (open && focus) detail.current?.focus({ preventScroll: true });
  }, [open, focus]);
  const close = (): void => {
    onClose();
    requestAnimationFrame(() => side.current?.querySelector<HTMLElement>("[role=listbox]")?.focus());
  };
  return (
    <div class={open ? "nbt-split nbt-split-open" : "nbt-split"}>
      <div ref={side} class="nbt-split-list">
        {list}
      </div>
      {open && (
        <section
          ref={detail}
          class="nbt-split-detail"
          aria-label={label}
          tabIndex={-1}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || event.defaultPrevented) return;
            event.stopPropagation();
            close();
          }}
        >
          <div class="nbt-split-back">
            <Button icon="back" label={words.t("models.back")} quiet onClick={close} />
          </div>
          <div class="nbt-split-close">
            <Button icon="close" iconOnly quiet label={words.t("models.close")} onClick={close} />
          </div>
          {children}
        </section>
      )}
    </div>
  );
}
