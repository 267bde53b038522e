/** The pane beside the table: one cell whole, or all that is known of a column. */

import type { ComponentChildren } from "preact";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import { KindIcon } from "./kinds";
import type { TableColumn } from "./wire";

export interface PaneProps {
  column: TableColumn;
  /** What stands beside the name, e.g. the row. */
  detail: string;
  /** Things to do, as buttons. */
  actions?: ComponentChildren;
  onClose(): void;
  children: ComponentChildren;
}

export function Pane({ column, detail, actions, onClose, children }: PaneProps) {
  const words = useWords();
  const name = column.name === "" ? words.t("data.unnamed") : column.name;
  return (
    <aside class="nbt-pane" aria-label={name}>
      <header class="nbt-pane-head">
        <KindIcon kind={column.kind} />
        <h3>
          <bdi title={column.name}>{name}</bdi>
        </h3>
        <span class="nbt-pane-detail">{detail}</span>
        {actions}
        <Button icon="close" label={words.t("data.close")} quiet iconOnly onClick={onClose} />
      </header>
      <div class="nbt-pane-body">{children}</div>
    </aside>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="nbt-pane-section">
      <h4>{title}</h4>
      {children}
    </section>
  );
}
