/** A recipe: steps that are put in order, tried on a few of the user's rows, and applied into a new dataset. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { RequestError } from "../../shared/rpc";
import { useSetupTrait } from "../../shared/setup";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import { TaskCard } from "../../shared/work/task_card";
import { isRunning, useOutcome } from "../../shared/work/tasks";
import type { DatasetFacts, StepSchema } from "../wire";
import { BeforeAfterTable } from "./before_after";
import { type DraftStep, drafted, freeName, reordered, stepOf } from "./recipe";
import { StepItem } from "./step";
import "./process.css";

export interface ProcessProps {
  facts: DatasetFacts;
  names: readonly string[];
  /** A task began whose result is another dataset. */
  onMade(task: string): void;
}

export function Process({ facts, names, onMade }: ProcessProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const schemas = useSetupTrait<{ steps: StepSchema[] }>()?.steps ?? [];
  const [steps, setSteps] = useState<readonly DraftStep[]>([]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [begun, setBegun] = useState<string | undefined>(facts.running.process);
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const id = useUid();
  const task = useOutcome(begun, (ended) => {
    if (ended.phase === "failed") setProblems({ steps: ended.error?.message ?? "" });
  });
  const name = typed ?? freeName(words.t("datasets.process.name", { name: facts.row.name }), names);
  const schemaOf = (step: DraftStep): StepSchema | undefined => schemas.find((schema) => schema.name === step.step);
  const recipe = steps.map((step) => stepOf(step, schemaOf(step)));
  const at = steps.findIndex((step) => step.id === chosen);
  const change = (next: readonly DraftStep[]): void => {
    setSteps(next);
    setProblems({});
  };
  const add = (schemaName: string): void => {
    const schema = schemas.find((known) => known.name === schemaName);
    if (!schema) return;
    const draft = drafted(schema);
    change([...steps, draft]);
    setChosen(draft.id);
  };
  const apply = async (): Promise<void> => {
    setBusy(true);
    setProblems({});
    try {
      const began = await rpc.request<{ task: string }>("process", { dataset: facts.row.id, steps: recipe, name });
      setBegun(began.task);
      onMade(began.task);
    } catch (error) {
      if (!(error instanceof RequestError) || error.kind === "gone") report(error);
      else if (error.problems.some(({ field }) => field === "name")) setProblems({ name: errorText(error, words) });
      else setProblems({ steps: errorText(error, words) });
    } finally {
      setBusy(false);
    }
  };
  const working = busy || (task !== undefined && isRunning(task));

  return (
    <div class="nbt-process">
      <section class="nbt-recipe" aria-label={words.t("datasets.process.steps")}>
        {steps.length === 0 && <p class="nbt-recipe-none nbt-soft">{words.t("datasets.process.none")}</p>}
        {steps.length > 0 && (
          <ol class="nbt-steps">
            {steps.map((step, index) => (
              <StepItem
                key={step.id}
                step={step}
                schema={schemaOf(step)}
                columns={facts.columns}
                index={index}
                count={steps.length}
                open={step.id === chosen}
                onOpen={() => setChosen(step.id === chosen ? null : step.id)}
                onChange={(values) =>
                  change(steps.map((other) => (other.id === step.id ? { ...step, values } : other)))
                }
                onMove={(to) => change(reordered(steps, index, to))}
                onRemove={() => change(steps.filter((other) => other.id !== step.id))}
              />
            ))}
          </ol>
        )}
        <AddStep schemas={schemas} onAdd={add} />
        {problems.steps && (
          <p class="nbt-field-problem" role="alert" dir="auto">
            {problems.steps}
          </p>
        )}
        {task && isRunning(task) && <TaskCard task={task} />}
        {steps.length > 0 && (
          // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
          <div class="nbt-process-apply" onKeyDown={onEnter(() => void apply())}>
            <label for={`${id}-name`}>{words.t("datasets.process.into")}</label>
            <div class="nbt-place-row">
              <input
                id={`${id}-name`}
                class="nbt-input"
                type="text"
                dir="auto"
                autocomplete="off"
                spellcheck={false}
                value={name}
                aria-invalid={problems.name !== undefined || undefined}
                aria-describedby={problems.name === undefined ? undefined : `${id}-problem`}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
              <Button
                label={words.t(working ? "button.apply.waiting" : "button.apply")}
                primary
                busy={working}
                disabled={name.trim() === ""}
                onClick={() => void apply()}
              />
            </div>
            {problems.name && (
              <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
                {problems.name}
              </p>
            )}
          </div>
        )}
      </section>
      {steps.length > 0 && (
        <BeforeAfterTable dataset={facts.row.id} steps={recipe} index={at < 0 ? steps.length - 1 : at} />
      )}
    </div>
  );
}

function AddStep({ schemas, onAdd }: { schemas: readonly StepSchema[]; onAdd(name: string): void }) {
  const words = useWords();
  const id = useUid();
  // Augmentation changes samples while training, nothing before: it has its place in the training form.
  const offered = schemas.filter(({ augments }) => !augments);
  return (
    <div class="nbt-add-step">
      <label for={id} class="nbt-hidden">
        {words.t("datasets.process.add")}
      </label>
      <Choice
        id={id}
        value=""
        options={[
          { value: "", label: words.t("datasets.process.add") },
          ...offered.map(({ name, group }) => {
            const section = words.t(`step_group.${group}`);
            return { value: name, label: [section, words.t(`step.${name}`)].join(": ") };
          }),
        ]}
        onChange={onAdd}
      />
    </div>
  );
}
