/** Which runs are laid over one another: a list to tick, asked from Python when it is opened. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { type I18n, useWords } from "../shared/i18n";
import { errorText, usePanel } from "../shared/panel";
import type { RunRow } from "../shared/wire";

/** More lines than this cannot be told apart. */
export const MOST = 6;

export interface RunsChooserProps {
  shown: readonly string[];
  onChoose(runs: string[]): void;
}

export function RunsChooser({ shown, onChoose }: RunsChooserProps) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  return (
    <div class="nbt-runs">
      <Button icon="list" label={words.t("charts.runs")} pressed={open} onClick={() => setOpen(!open)} />
      {open && <RunsList shown={shown} onChoose={onChoose} onClose={() => setOpen(false)} />}
    </div>
  );
}

function RunsList({ shown, onChoose, onClose }: RunsChooserProps & { onClose(): void }) {
  const words = useWords();
  const { rpc } = usePanel();
  const [rows, setRows] = useState<readonly RunRow[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    rpc.request<{ rows: RunRow[] }>("runs").then(
      (answer) => setRows(answer.rows),
      (error: unknown) => setFailure(error),
    );
  }, [rpc]);
  if (failure !== null) return <Note text={words.t("charts.runs.failed", { message: errorText(failure, words) })} />;
  if (rows === null) return <Note text="…" />;
  if (rows.length === 0) return <Note text={words.t("charts.runs.none")} />;
  const closeByKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
  };
  const full = shown.length >= MOST;
  return (
    <fieldset class="nbt-runs-list" onKeyDown={closeByKey}>
      <legend>{words.t("charts.runs.help", { count: MOST })}</legend>
      {rows.map((row) => {
        const on = shown.includes(row.id);
        const toggle = (): void => onChoose(on ? shown.filter((run) => run !== row.id) : [...shown, row.id]);
        return (
          <label key={row.id} class="nbt-runs-row">
            <input type="checkbox" checked={on} disabled={!on && full} onChange={toggle} />
            <bdi class="nbt-runs-name" title={row.name}>
              {row.name}
            </bdi>
            <span class="nbt-runs-facts">{facts(words, row)}</span>
          </label>
        );
      })}
    </fieldset>
  );
}

function facts(words: I18n, row: RunRow): string {
  const parts = [words.t(`state.${row.state}`), words.t("charts.at_step", { step: words.integer(row.step) })];
  const loss = row.metrics.val_loss ?? row.metrics.loss;
  if (loss !== undefined) parts.push(`${words.t("charts.metric.loss")} ${words.figure(loss)}`);
  return parts.join(" · ");
}

function Note({ text }: { text: string }) {
  return (
    <p class="nbt-runs-list nbt-runs-note" role="status" dir="auto">
      {text}
    </p>
  );
}
