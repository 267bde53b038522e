/** What somebody noted of a version, written in its place. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import type { Say } from "../../shared/work/toast";
import type { VersionView } from "../wire";

export interface NoteProps {
  model: string;
  version: VersionView;
  say: Say;
  onChanged(): Promise<void>;
}

export function Note({ model, version, say, onChanged }: NoteProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [draft, setDraft] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const changed = draft !== null && draft !== version.note;
  const save = async (): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      await rpc.request("note", { model, version: version.number, note: draft ?? "" });
      await onChanged();
      setDraft((typed) => (typed === draft ? null : typed)); // one may write on while it is saved
      say(words.t("models.said.noted"));
    } catch (error) {
      setProblem(errorText(error, words));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="nbt-note">
      <label for={id} class="nbt-hidden">
        {words.t("models.note")}
      </label>
      <textarea
        id={id}
        class="nbt-input"
        dir="auto"
        rows={(draft ?? version.note).includes("\n") || changed ? 3 : 1}
        placeholder={words.t("models.note")}
        value={draft ?? version.note}
        aria-invalid={problem !== "" || undefined}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          event.stopPropagation(); // the notebook has a use of its own for Enter and Escape
          if (event.key === "Escape") setDraft(null);
          else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && changed) void save();
        }}
      />
      {changed && (
        <span class="nbt-note-actions">
          <Button label={words.t("models.note.save")} primary busy={busy} onClick={() => void save()} />
          <Button label={words.t("button.cancel")} quiet disabled={busy} onClick={() => setDraft(null)} />
        </span>
      )}
      {problem && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
