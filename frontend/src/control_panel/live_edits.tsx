/** Options that may be changed while the run trains, each with its own Apply. */

import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { FieldRow, valueText } from "../shared/form/field";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { RequestError } from "../shared/rpc";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { Field, RunState, Value } from "../shared/wire";

export function LiveEdits({ fields, state }: { fields: readonly Field[]; state: RunState }) {
  const words = useWords();
  const editable = fields.filter((field) => field.live && state.live[field.name] !== undefined);
  return (
    <section class="nbt-live-edits">
      <h2>{words.t("live.title")}</h2>
      <p class="nbt-soft">{words.t("live.help")}</p>
      {editable.map((field) => (
        <LiveEdit key={`${state.run} ${field.name}`} field={field} current={state.live[field.name] ?? null} />
      ))}
    </section>
  );
}

function LiveEdit({ field, current }: { field: Field; current: Value }) {
  const panel = usePanel();
  const words = useWords();
  const id = useUid();
  const [wish, setWish] = useState<{ value: Value } | null>(null);
  const [unreadable, setUnreadable] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [waiting, setWaiting] = useState(false);
  const alive = useValue(panel.rpc.alive);
  const differs = wish !== null && wish.value !== current;

  const apply = async (): Promise<void> => {
    if (!differs) return;
    setWaiting(true);
    try {
      await panel.rpc.request("edit", { changes: { [field.name]: wish.value } });
      setWish(null);
      setProblem(null);
    } catch (error) {
      if (error instanceof RequestError && error.problems.length > 0) {
        setProblem(error.problems.map(({ message }) => message).join("\n"));
      } else panel.report(error);
    } finally {
      setWaiting(false);
    }
  };
  const shownProblem = unreadable === null ? problem : words.t("problem.not_a_number");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void apply();
      }}
    >
      <FieldRow
        id={id}
        field={field}
        value={wish ? wish.value : current}
        unreadable={unreadable ?? undefined}
        problem={shownProblem ?? undefined}
        disabled={waiting}
        onChange={(value) => {
          setWish({ value });
          setProblem(null);
        }}
        onUnreadable={setUnreadable}
      />
      {(differs || unreadable !== null) && (
        <div class="nbt-live-apply">
          <span class="nbt-soft">{words.t("live.now", { value: valueText(field, current, words) })}</span>
          <Button
            label={words.t("button.cancel")}
            quiet
            disabled={waiting}
            onClick={() => {
              setWish(null);
              setUnreadable(null);
              setProblem(null);
            }}
          />
          <Button
            label={words.t(waiting ? "button.apply.waiting" : "button.apply")}
            busy={waiting}
            disabled={unreadable !== null || !alive}
            onClick={() => void apply()}
          />
        </div>
      )}
    </form>
  );
}
