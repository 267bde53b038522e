/** Where to write a copy of the dataset, and as what. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import { TaskCard } from "../../shared/work/task_card";
import { useOutcome } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import type { DatasetRow } from "../wire";

export interface ExportProps {
  row: DatasetRow;
  say: Say;
  onClose(): void;
}

export function ExportForm({ row, say, onClose }: ExportProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [path, setPath] = useState(`${fileName(row.name)}.csv`);
  const [begun, setBegun] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | null>(null);
  const task = useOutcome(begun, (ended) => {
    if (ended.phase === "done") {
      say(words.t("datasets.said.exported", { name: row.name, file: path }));
      onClose();
    } else {
      setBegun(undefined);
      setProblem(ended.phase === "failed" ? (ended.error?.message ?? "") : null);
    }
  });
  const begin = async (): Promise<void> => {
    setProblem(null);
    try {
      setBegun((await rpc.request<{ task: string }>("export", { dataset: row.id, path: path.trim() })).task);
    } catch (error) {
      setProblem(errorText(error, words));
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
    <div class="nbt-export" onKeyDown={onEnter(() => void begin())}>
      <label for={id}>{words.t("datasets.export.path")}</label>
      <div class="nbt-place-row">
        <input
          id={id}
          class="nbt-input"
          type="text"
          dir="ltr"
          autocomplete="off"
          spellcheck={false}
          value={path}
          aria-invalid={problem !== null || undefined}
          aria-describedby={problem === null ? `${id}-help` : `${id}-problem`}
          onInput={(event) => setPath(event.currentTarget.value)}
        />
        <Button
          label={words.t("datasets.export")}
          primary
          disabled={path.trim() === ""}
          busy={begun !== undefined}
          onClick={() => void begin()}
        />
        <Button label={words.t("button.cancel")} quiet onClick={onClose} />
      </div>
      {task?.phase === "running" && <TaskCard task={task} />}
      {problem === null ? (
        <p id={`${id}-help`} class="nbt-place-help">
          {words.t("datasets.export.help")}
        </p>
      ) : (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}

/** A name without what paths are made of. */
function fileName(name: string): string {
  return name.replace(/[/\\:*?"<>|\s]+/g, "_").replace(/^\.+/, "") || "data";
}
