/** An import that failed: the sentence, and where the user's word is needed, what saying it means. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import type { TaskState } from "../../shared/wire";
import type { Imports } from "../../shared/work/use_imports";
import { isolated } from "../format";

/** What is allowed by which answer. */
export const ALLOWED: Readonly<Record<string, Record<string, boolean>>> = {
  convert: { convert: true },
  remote_code: { trust_remote_code: true },
};

export function Failed({ task, imports }: { task: TaskState; imports: Imports }) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [question, setQuestion] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  useEffect(() => {
    let here = true;
    rpc
      .request<{ question: string }>("question", { task: task.task })
      .then((answer) => here && setQuestion(answer.question), report);
    return () => {
      here = false;
    };
  }, [rpc, report, task.task]);
  const again = async (options: Record<string, boolean>): Promise<void> => {
    setBusy(true);
    setRefused("");
    try {
      const begun = await rpc.request<{ task: string }>("import_again", { task: task.task, options });
      imports.follow(begun.task);
      imports.dismiss(task.task);
    } catch (error) {
      setRefused(errorText(error, words));
    } finally {
      setBusy(false);
    }
  };
  const asked = ALLOWED[question];
  return (
    <div class={asked ? "nbt-failed nbt-asks" : "nbt-failed"} role="alert">
      <Icon name={asked ? "help" : "alert"} />
      <div>
        <p class="nbt-failed-title">
          {words.t(asked ? `models.ask.${question}` : "models.import.failed", { name: isolated(task.title) })}
        </p>
        <p dir="auto">{task.error?.message}</p>
        {asked && <p class="nbt-soft">{words.t(`models.ask.${question}.help`)}</p>}
        {refused && <p class="nbt-field-problem">{refused}</p>}
        <div class="nbt-failed-actions">
          {asked ? (
            <Button
              label={words.t(`models.ask.${question}.yes`)}
              primary
              busy={busy}
              onClick={() => void again(asked)}
            />
          ) : (
            <Button icon="reset" label={words.t("button.retry")} busy={busy} onClick={() => void again({})} />
          )}
          {asked && (
            <Button label={words.t("models.ask.no")} quiet disabled={busy} onClick={() => imports.dismiss(task.task)} />
          )}
        </div>
      </div>
      {!asked && (
        <Button
          icon="close"
          iconOnly
          quiet
          label={words.t("button.dismiss")}
          onClick={() => imports.dismiss(task.task)}
        />
      )}
    </div>
  );
}
