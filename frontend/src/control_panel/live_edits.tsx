/** Options that may be changed while the run trains, each with its own Apply. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { FieldRow, valueText } from "../shared/form/field";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { RequestError } from "../shared/rpc";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { Field, RunState, Value } from "../shared/wire";
import type { Change } from "./draft";
import { type Edit, type Edits, editOf, withEdit } from "./edits";

export interface LiveEditsProps {
  fields: readonly Field[];
  state: RunState;
  /** What was typed, on this page or another, and is not applied. */
  edits: Edits | null;
  change: Change;
}

export function LiveEdits({ fields, state, edits, change }: LiveEditsProps) {
  const words = useWords();
  const { run, live } = state;
  const editable = fields.filter((field) => field.live && live[field.name] !== undefined);
  return (
    <section class="nbt-live-edits">
      <h2>{words.t("live.title")}</h2>
      <p class="nbt-soft">{words.t("live.help")}</p>
      {editable.map((field) => (
        <LiveEdit
          key={`${run} ${field.name}`}
          field={field}
          current={live[field.name] ?? null}
          edit={editOf(edits, run, field.name)}
          onEdit={(next) =>
            change((before) => {
              const now = editOf(before.edits, run, field.name);
              return { edits: withEdit(before.edits, run, field.name, { ...now, ...next }) };
            })
          }
        />
      ))}
    </section>
  );
}

interface LiveEditProps {
  field: Field;
  current: Value;
  edit: Edit;
  onEdit(next: Edit): void;
}

const NONE: Edit = { value: undefined, unreadable: undefined };

function LiveEdit({ field, current, edit, onEdit }: LiveEditProps) {
  const panel = usePanel();
  const words = useWords();
  const id = useUid();
  const [problem, setProblem] = useState<{ value: Value; message: string } | null>(null);
  const [waiting, setWaiting] = useState(false);
  const alive = useValue(panel.rpc.alive);
  const { value: wish, unreadable } = edit;
  const differs = wish !== undefined && wish !== current;
  const done = wish !== undefined && !differs && unreadable === undefined;
  useEffect(() => {
    if (done) onEdit(NONE); // so that it does not come back when the run is changed from elsewhere
  }, [done]);

  const apply = async (): Promise<void> => {
    if (!differs || unreadable !== undefined) return;
    setWaiting(true);
    try {
      await panel.rpc.request("edit", { changes: { [field.name]: wish } });
      onEdit(NONE);
      setProblem(null);
    } catch (error) {
      if (error instanceof RequestError && error.problems.length > 0) {
        setProblem({ value: wish, message: error.problems.map(({ message }) => message).join("\n") });
      } else panel.report(error);
    } finally {
      setWaiting(false);
    }
  };
  const refused = problem !== null && problem.value === wish ? problem.message : undefined;
  const pending = differs || unreadable !== undefined;
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
        value={wish ?? (wish === null ? null : current)}
        unreadable={unreadable}
        problem={unreadable === undefined ? refused : words.t("problem.not_a_number")}
        describedBy={pending ? `${id}-pending` : undefined}
        disabled={waiting}
        onChange={(value) => onEdit({ value })}
        onUnreadable={(text) => onEdit({ unreadable: text ?? undefined })}
      />
      {pending && (
        <div class="nbt-live-apply">
          <span id={`${id}-pending`} class="nbt-live-pending">
            <strong>{words.t("live.pending")}</strong>{" "}
            {words.t("live.now", { value: valueText(field, current, words) })}
          </span>
          <Button label={words.t("button.cancel")} quiet disabled={waiting} onClick={() => onEdit(NONE)} />
          <Button
            label={words.t(waiting ? "button.apply.waiting" : "button.apply")}
            busy={waiting}
            disabled={unreadable !== undefined || !alive}
            onClick={() => void apply()}
          />
        </div>
      )}
    </form>
  );
}
