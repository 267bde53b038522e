/** A version: its stage, figures, origin, note and files. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { useOutcome } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import { Confirm } from "../confirm";
import { Files } from "../files";
import { isolated, joined, parameters, sourceText } from "../format";
import { STAGES } from "../stage";
import type { ModelRow, VersionView } from "../wire";
import { Figures } from "./figures";
import { Note } from "./note";

export interface VersionProps {
  model: ModelRow;
  version: VersionView;
  /** There is no other. */
  last: boolean;
  say: Say;
  onChanged(): Promise<void>;
  onBegan(): Promise<unknown>;
}

export function Version({ model, version, last, say, onChanged, onBegan }: VersionProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const [verifying, setVerifying] = useState<string | undefined>(undefined);
  const of = { model: model.id, version: version.number };
  const said = { name: isolated(model.name), number: version.number };
  useOutcome(verifying, (ended) => {
    setVerifying(undefined);
    if (ended.phase === "done") say(words.t("models.said.verified", { ...said, count: version.files.length }));
    if (ended.phase === "failed") setProblem(ended.error?.message ?? "");
  });
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setProblem("");
    try {
      await act();
    } catch (error) {
      setProblem(errorText(error, words));
    }
  };
  const move = (stage: string): Promise<void> =>
    attempt(async () => {
      await rpc.request("move", { ...of, stage });
      await onChanged();
      say(words.t("models.said.moved", { ...said, stage: words.t(`stage.${stage}`) }));
    });
  const verify = (): Promise<void> =>
    attempt(async () => {
      setVerifying((await rpc.request<{ task: string }>("verify", of)).task);
      await onBegan();
    });
  const remove = async (): Promise<void> => {
    await rpc.request("delete", of);
    await onChanged();
    say(words.t("models.said.version_deleted", said), async () => {
      await rpc.request("undelete", of);
      await onChanged();
      say(words.t("models.said.version_restored", said));
    });
  };
  return (
    <section class="nbt-version" aria-label={words.t("models.version", { number: version.number })}>
      <div class="nbt-version-bar">
        <label for={`${id}-stage`}>{words.t("models.stage")}</label>
        <Choice
          id={`${id}-stage`}
          value={version.stage}
          options={STAGES.map((value) => ({ value, label: words.t(`stage.${value}`) }))}
          onChange={(stage) => void move(stage)}
        />
        <span class="nbt-model-gap" />
        <Button
          icon="check"
          label={words.t("models.verify")}
          busy={verifying !== undefined}
          onClick={() => void verify()}
        />
        {!last && (
          <Button
            icon="trash"
            iconOnly
            quiet
            label={words.t("models.version.delete", { number: version.number })}
            onClick={() => setAsking(true)}
          />
        )}
      </div>
      {asking && (
        <Confirm
          question={words.t("models.version.delete.question", said)}
          yes={words.t("models.delete")}
          onYes={remove}
          onNo={() => setAsking(false)}
        />
      )}
      {problem && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
      <p class="nbt-soft nbt-number">
        {joined(
          words.t("models.version", { number: version.number }),
          words.date(version.created),
          sourceText(version, words),
          parameters(version.parameters, words),
          words.bytes(version.bytes),
        )}
      </p>
      <Figures version={version} />
      <Note model={model.id} version={version} say={say} onChanged={onChanged} />
      <Files files={version.files} />
    </section>
  );
}
