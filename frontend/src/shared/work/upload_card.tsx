/** A file on its way: how much, how fast, and what to do when it stands still. */

import { Button } from "../controls/button";
import { type I18n, useWords } from "../i18n";
import { errorText, usePanel } from "../panel";
import { useValue } from "../signal";
import { Bar } from "./task_card";
import type { Upload, UploadState } from "./upload";
import type { Imports } from "./use_imports";

export function UploadCard({ upload, imports }: { upload: Upload; imports: Imports }) {
  const { report } = usePanel();
  const words = useWords();
  const state = useValue(upload.state);
  const title = words.t("datasets.upload.title", { name: upload.file.name });
  const cancel = (): void => {
    imports.forget(upload);
    upload.cancel().catch(report);
  };
  return (
    <div class="nbt-task">
      <div class="nbt-task-head">
        <span class="nbt-task-title" dir="auto" title={title}>
          {title}
        </span>
        <Button label={words.t("button.cancel")} quiet onClick={cancel} />
      </div>
      <Bar share={state.size > 0 ? state.have / state.size : null} label={title} />
      <p class="nbt-task-foot nbt-number">
        <span>{words.t("datasets.task.of", { done: words.bytes(state.have), total: words.bytes(state.size) })}</span>
        <span>{paceText(state, words)}</span>
      </p>
      {state.phase === "failed" && (
        <div class="nbt-task-problem" role="alert">
          <p dir="auto">{errorText(state.error, words)}</p>
          <Button icon="reset" label={words.t("button.retry")} onClick={() => imports.retry(upload)} />
        </div>
      )}
    </div>
  );
}

/** `18 MiB a second · 9s left`, or why nothing moves. */
function paceText({ phase, rate, have, size }: UploadState, words: I18n): string {
  if (phase === "waiting") return words.t("datasets.upload.waiting");
  if (phase === "sent") return words.t("datasets.upload.checked");
  if (phase !== "sending" || rate === null || rate <= 0) return "";
  const left = words.duration(Math.ceil((size - have) / rate));
  return words.t("datasets.upload.pace", { rate: words.bytes(rate), left });
}
