/** An import that failed: the sentence, with file, line and column in it, and what can be done. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import type { TaskState } from "../../shared/wire";
import type { ReadOptions } from "../../shared/work/upload";
import type { Imports } from "../../shared/work/use_imports";

export interface FailedProps {
  task: TaskState;
  /** What it offers is the main thing to do now. */
  primary: boolean;
  /** The read options as they stand in the form now. */
  options: ReadOptions;
  imports: Imports;
}

export function Failed({ task, primary, options, imports }: FailedProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const again = async (changed: ReadOptions): Promise<void> => {
    setBusy(true);
    setRefused(null);
    try {
      const begun = await rpc.request<{ task: string }>("import_again", { task: task.task, options: changed });
      imports.follow(begun.task);
      imports.dismiss(task.task);
    } catch (error) {
      setRefused(error);
    } finally {
      setBusy(false);
    }
  };
  const inFile = task.error?.kind === "DataFileError";
  return (
    <div class="nbt-failed" role="alert">
      <Icon name="alert" />
      <div>
        <p class="nbt-failed-title" dir="auto">
          {words.t("datasets.import.failed", { name: task.title })}
        </p>
        <p dir="auto">{task.error?.message}</p>
        {refused !== null && <p class="nbt-field-problem">{errorText(refused, words)}</p>}
        {task.kind === "import" && (
          <div class="nbt-failed-actions">
            {inFile && (
              <Button
                label={words.t("datasets.import.skip")}
                primary={primary}
                busy={busy}
                onClick={() => void again({ ...options, on_error: "skip" })}
              />
            )}
            <Button icon="reset" label={words.t("button.retry")} busy={busy} onClick={() => void again(options)} />
          </div>
        )}
      </div>
      <Button
        icon="close"
        iconOnly
        quiet
        label={words.t("button.dismiss")}
        onClick={() => imports.dismiss(task.task)}
      />
    </div>
  );
}
