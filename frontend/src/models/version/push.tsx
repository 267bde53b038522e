/** A version uploaded to the Hub, into a repository of the user's. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Switch } from "../../shared/controls/switch";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import { TaskCard } from "../../shared/work/task_card";
import { useOutcome } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import { isolated } from "../format";
import type { ModelRow, VersionView } from "../wire";

export interface PushProps {
  model: ModelRow;
  version: VersionView;
  say: Say;
}

export function Push({ model, version, say }: PushProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [repository, setRepository] = useState("");
  const [isPrivate, setPrivate] = useState(true);
  const [begun, setBegun] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const task = useOutcome(begun, (ended) => {
    setBegun(undefined);
    if (ended.phase === "failed") setProblem(ended.error?.message ?? "");
    if (ended.phase === "done") {
      say(words.t("models.said.pushed", { name: isolated(model.name), repository: isolated(repository.trim()) }));
    }
  });
  const begin = async (): Promise<void> => {
    if (repository.trim() === "" || begun !== undefined) return;
    setProblem("");
    const fields = { model: model.id, version: version.number, repository: repository.trim(), private: isPrivate };
    try {
      setBegun((await rpc.request<{ task: string }>("push", fields)).task);
    } catch (error) {
      setProblem(errorText(error, words));
    }
  };
  return (
    <section class="nbt-out" onKeyDown={onEnter(() => void begin())} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{words.t("models.push.title")}</h3>
      <div class="nbt-out-fields">
        <label for={`${id}-name`}>{words.t("models.push.repository")}</label>
        <input
          id={`${id}-name`}
          class="nbt-input"
          type="text"
          dir="ltr"
          autocomplete="off"
          spellcheck={false}
          placeholder="name/model"
          value={repository}
          aria-invalid={problem !== "" || undefined}
          aria-describedby={problem === "" ? `${id}-help` : `${id}-problem`}
          onInput={(event) => setRepository(event.currentTarget.value)}
        />
        <label for={`${id}-private`}>{words.t("models.push.private")}</label>
        <Switch id={`${id}-private`} value={isPrivate} onChange={setPrivate} />
      </div>
      <p id={`${id}-help`} class="nbt-soft nbt-out-help">
        {words.t("models.push.help")}
      </p>
      <p>
        <Button
          icon="upload"
          label={words.t("models.push")}
          disabled={repository.trim() === ""}
          busy={begun !== undefined}
          onClick={() => void begin()}
        />
      </p>
      {begun !== undefined && task?.phase === "running" && <TaskCard task={task} />}
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </section>
  );
}
