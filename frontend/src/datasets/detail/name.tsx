/** The dataset's name, changed in its place. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { onEnter } from "../enter";
import type { Say } from "../toast";
import type { DatasetRow } from "../wire";

export interface NameProps {
  row: DatasetRow;
  say: Say;
  onChanged(): Promise<unknown>;
}

export function Name({ row, say, onChanged }: NameProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [draft, setDraft] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const editing = draft !== null;
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);

  const leave = (): void => {
    setDraft(null);
    setProblem(null);
    requestAnimationFrame(() => place.current?.querySelector("button")?.focus());
  };
  const save = async (): Promise<void> => {
    const name = draft?.trim() ?? "";
    if (name === row.name) return leave();
    setBusy(true);
    setProblem(null);
    try {
      await rpc.request("rename", { dataset: row.id, name });
      await onChanged();
      say(words.t("datasets.said.renamed", { old: row.name, name }));
      leave();
    } catch (error) {
      setProblem(errorText(error, words));
    } finally {
      setBusy(false);
    }
  };

  if (!editing) {
    return (
      <div ref={place} class="nbt-name">
        <h2 title={row.name}>
          <bdi>{row.name}</bdi>
        </h2>
        <Button icon="pencil" iconOnly quiet label={words.t("datasets.rename")} onClick={() => setDraft(row.name)} />
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys that stand for its buttons
    <div
      class="nbt-name nbt-name-edit"
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          leave();
        } else onEnter(() => void save())(event);
      }}
    >
      <input
        ref={input}
        id={id}
        class="nbt-input"
        type="text"
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        aria-label={words.t("datasets.rename.label")}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        value={draft}
        disabled={busy}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <Button icon="check" iconOnly label={words.t("datasets.rename.save")} busy={busy} onClick={() => void save()} />
      <Button icon="close" iconOnly quiet label={words.t("button.cancel")} disabled={busy} onClick={leave} />
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
