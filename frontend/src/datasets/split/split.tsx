/** How the dataset is divided for training, validation and test, and how that came out. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { RequestError } from "../../shared/rpc";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import { TaskCard } from "../../shared/work/task_card";
import { isRunning, useTask } from "../../shared/work/tasks";
import type { DatasetFacts } from "../wire";
import { Fields } from "./fields";
import { Parts } from "./parts";
import { RatioSliders } from "./sliders";
import { METHODS, type Spec, specOf, startSpec } from "./spec";
import "./split.css";

export interface SplitProps {
  facts: DatasetFacts;
  onBegan(): Promise<unknown>;
}

export function Split({ facts, onBegan }: SplitProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const id = useUid();
  const [spec, setSpec] = useState<Spec>(() => startSpec(facts));
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const task = useTask(facts.running.split);
  const working = busy || (task !== undefined && isRunning(task));
  const set = (change: Partial<Spec>): void => {
    setSpec({ ...spec, ...change });
    setProblems({});
  };
  const made = facts.split;
  const sent = specOf(spec);
  const same = made !== null && Object.entries(sent).every(([name, value]) => alike(made.spec[name], value));

  const begin = async (): Promise<void> => {
    setBusy(true);
    setProblems({});
    try {
      await rpc.request("split", { dataset: facts.row.id, spec: sent });
      await onBegan();
    } catch (error) {
      if (!(error instanceof RequestError) || error.kind === "gone") report(error);
      else if (error.problems.length === 0) setProblems({ method: errorText(error, words) });
      else setProblems(Object.fromEntries(error.problems.map(({ field, message }) => [field, message])));
    } finally {
      setBusy(false);
    }
  };

  const shares = METHODS[spec.method].shares;
  return (
    <div class="nbt-split">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button */}
      <div class="nbt-split-form" onKeyDown={onEnter(() => void begin())}>
        <div class="nbt-split-field">
          <label for={id}>{words.t("datasets.split.method")}</label>
          <Choice
            id={id}
            value={spec.method}
            options={Object.keys(METHODS).map((value) => ({ value, label: words.t(`datasets.split.${value}`) }))}
            describedBy={`${id}-help`}
            onChange={(method) => set({ method: method as Spec["method"] })}
          />
          <p id={`${id}-help`} class="nbt-split-help">
            {words.t(`datasets.split.${spec.method}.help`)}
          </p>
          {problems.method && (
            <p class="nbt-field-problem" role="alert" dir="auto">
              {problems.method}
            </p>
          )}
        </div>
        {shares !== "none" && (
          <RatioSliders ratios={spec.ratios} testOnly={shares === "test"} onChange={(ratios) => set({ ratios })} />
        )}
        <Fields spec={spec} columns={facts.columns} problems={problems} onChange={set} />
        {Object.entries(problems)
          .filter(([field]) => field !== "method" && !METHODS[spec.method].fields.some((name) => name === field))
          .map(([field, message]) => (
            <p key={field} class="nbt-field-problem" role="alert" dir="auto">
              {message}
            </p>
          ))}
        <div class="nbt-split-actions">
          <Button
            label={words.t(working ? "datasets.split.working" : made ? "datasets.split.again" : "datasets.split.begin")}
            primary={!same}
            busy={working}
            onClick={() => void begin()}
          />
        </div>
      </div>
      <section class="nbt-split-result" aria-label={words.t("datasets.split.result")} aria-live="polite">
        {task && isRunning(task) && <TaskCard task={task} />}
        {task?.phase === "failed" && (
          <p class="nbt-field-problem" role="alert" dir="auto">
            {task.error?.message}
          </p>
        )}
        {made ? <Parts split={made} /> : !working && <p class="nbt-soft">{words.t("datasets.split.none")}</p>}
      </section>
    </div>
  );
}

function alike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
