/** The head of a model: its name, what it is, its labels, and what can be done with it. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { type I18n, useWords } from "../../shared/i18n";
import { usePanel } from "../../shared/panel";
import { Name } from "../../shared/work/name";
import type { Say } from "../../shared/work/toast";
import { Confirm } from "../confirm";
import { ago, isolated, parameters, sourceText, taskText } from "../format";
import { StageBadge } from "../stage";
import type { ModelFacts, ModelRow } from "../wire";
import { Labels } from "./labels";

export interface HeadProps {
  facts: ModelFacts;
  categories: readonly string[];
  say: Say;
  onChanged(): Promise<void>;
  onGone(): void;
  onBack(model: string): void;
  /** Undefined where the model cannot be tried. */
  onTry: (() => void) | undefined;
}

export function Head({ facts, categories, say, onChanged, onGone, onBack, onTry }: HeadProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const { row } = facts;
  const rename = async (name: string): Promise<void> => {
    await rpc.request("rename", { model: row.id, name });
    await onChanged();
    say(words.t("models.said.renamed", { old: isolated(row.name), name: isolated(name) }));
  };
  const use = (): void => {
    rpc.request<{ taken: boolean }>("use", { model: row.id }).then(({ taken }) => {
      // Without a form that took it, the line that does the same.
      const code = isolated(`nbtrain.train(${JSON.stringify(row.name)}, data)`);
      say(words.t(taken ? "models.said.used" : "models.said.use_code", { name: isolated(row.name), code }));
    }, report);
  };
  const remove = async (): Promise<void> => {
    await rpc.request("delete", { model: row.id, version: null });
    onGone();
    say(words.t("models.said.deleted", { name: isolated(row.name) }), async () => {
      await rpc.request("undelete", { model: row.id, version: null });
      onGone();
      onBack(row.id);
      say(words.t("models.said.restored", { name: isolated(row.name) }));
    });
  };
  return (
    <header class="nbt-model-head">
      <div class="nbt-model-title">
        <Name
          name={row.name}
          labels={{
            rename: words.t("models.rename"),
            field: words.t("models.rename.label"),
            save: words.t("models.rename.save"),
          }}
          onRename={rename}
        />
        {row.stage !== "none" && <StageBadge stage={row.stage} />}
      </div>
      <p class="nbt-model-facts">
        {factsOf(row, words).map((fact) => (
          <span key={fact} class="nbt-number">
            <bdi>{fact}</bdi>
          </span>
        ))}
      </p>
      <p class="nbt-model-source nbt-soft" title={words.date(row.created)}>
        {sourceText(row, words)} · {ago(row.created, words)}
      </p>
      <Labels row={row} categories={categories} say={say} onChanged={onChanged} />
      <div class="nbt-model-actions">
        <Button icon="flame" label={words.t("models.use")} primary onClick={use} />
        {onTry && <Button icon="play" label={words.t("models.try")} onClick={onTry} />}
        <span class="nbt-model-gap" />
        <Button icon="trash" iconOnly quiet label={words.t("models.delete")} onClick={() => setAsking(true)} />
      </div>
      {asking && (
        <Confirm
          question={words.t("models.delete.question", { name: isolated(row.name), count: facts.versions.length })}
          yes={words.t("models.delete")}
          onYes={remove}
          onNo={() => setAsking(false)}
        />
      )}
    </header>
  );
}

function factsOf(row: ModelRow, words: I18n): string[] {
  return [
    row.architecture,
    row.task && taskText(row.task, words),
    words.t(`model_format.${row.format}`),
    parameters(row.parameters, words),
    words.bytes(row.bytes),
  ].filter(Boolean);
}
