/** What can be asked about a column: rows that compare so with a value, and lengths in tokens. */

import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { TextInput } from "../shared/controls/text";
import { useWords } from "../shared/i18n";
import { useUid } from "../shared/uid";
import { isFigure, isNumeric } from "./kinds";
import { Section } from "./pane";
import type { Filter, Op } from "./query";
import type { Kind, TableColumn } from "./wire";

/** Comparisons with a typed value that make sense for such a column. */
export function opsFor(kind: Kind): Op[] {
  if (isFigure(kind)) return ["ge", "le", "eq", "ne"];
  if (kind === "text") return ["contains", "eq", "ne"];
  return kind === "nested" ? ["contains"] : [];
}

export function FilterForm({ column, onFilter }: { column: TableColumn; onFilter(filter: Filter): void }) {
  const words = useWords();
  const id = useUid();
  const ops = opsFor(column.kind);
  const [op, setOp] = useState<Op>(ops[0] ?? "eq");
  const [text, setText] = useState("");
  const value = isNumeric(column.kind) ? Number(text) : text;
  const fits = text.trim() !== "" && !Number.isNaN(value);
  const apply = (event: Event): void => {
    event.preventDefault();
    if (fits) onFilter({ column: column.name, op, value });
  };
  return (
    <form class="nbt-filter-form" onSubmit={apply}>
      <Choice
        id={`${id}-op`}
        label={words.t("data.filter.how")}
        value={op}
        options={ops.map((value) => ({ value, label: words.t(`data.op.${value}`) }))}
        onChange={(chosen) => setOp(chosen as Op)}
      />
      <input
        class="nbt-input"
        type="text"
        dir="auto"
        inputMode={isNumeric(column.kind) ? "decimal" : "text"}
        aria-label={words.t("data.filter.value")}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <Button icon="filter" label={words.t("data.filter.apply")} iconOnly disabled={!fits} onClick={apply} />
    </form>
  );
}

/** Asks for the lengths of texts in tokens. */
export function TokensForm({ busy, onTokens }: { busy: boolean; onTokens(tokenizer: string): void }) {
  const words = useWords();
  const id = useUid();
  const [name, setName] = useState("");
  return (
    <Section title={words.t("data.tokens.title")}>
      <p class="nbt-pane-small">{words.t("data.tokens.help")}</p>
      <form
        class="nbt-filter-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "" && !busy) onTokens(name.trim());
        }}
      >
        <label class="nbt-hidden" for={id}>
          {words.t("data.tokens.name")}
        </label>
        <TextInput id={id} value={name} onChange={setName} />
        <Button
          label={words.t("data.tokens.count")}
          disabled={busy || name.trim() === ""}
          busy={busy}
          onClick={() => onTokens(name.trim())}
        />
      </form>
    </Section>
  );
}
