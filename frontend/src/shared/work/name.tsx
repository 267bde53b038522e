/** A name, changed in its place. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../controls/button";
import { useWords } from "../i18n";
import { errorText } from "../panel";
import { useUid } from "../uid";
import { onEnter } from "./enter";
import "./name.css";

export interface NameProps {
  name: string;
  /** Of the button that begins, the field, and the button that ends it. */
  labels: { rename: string; field: string; save: string };
  /** Renames, and says so; what it throws is said beside the field. */
  onRename(name: string): Promise<void>;
}

export function Name({ name, labels, onRename }: NameProps) {
  const words = useWords();
  const id = useUid();
  const [draft, setDraft] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const editing = draft !== null;
  useEffect(() => {
    if (!editing) return;
    // The button that was pressed is gone: what is typed now must not reach the notebook.
    input.current?.focus();
    input.current?.select();
  }, [editing]);

  const leave = (): void => {
    setDraft(null);
    setProblem(null);
    requestAnimationFrame(() => place.current?.querySelector("button")?.focus());
  };
  const save = async (): Promise<void> => {
    const wanted = draft?.trim() ?? "";
    if (wanted === name) return leave();
    setBusy(true);
    setProblem(null);
    try {
      await onRename(wanted);
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
        <h2 title={name}>
          <bdi>{name}</bdi>
        </h2>
        <Button icon="pencil" iconOnly quiet label={labels.rename} onClick={() => setDraft(name)} />
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
        aria-label={labels.field}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        value={draft}
        disabled={busy}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <Button icon="check" iconOnly label={labels.save} busy={busy} onClick={() => void save()} />
      <Button icon="close" iconOnly quiet label={words.t("button.cancel")} disabled={busy} onClick={leave} />
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
