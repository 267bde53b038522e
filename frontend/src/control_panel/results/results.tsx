/** How a run does on rows it did not learn from: figures, what was taken for what, and where it errs most. */

import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { metricLabel } from "../../shared/metric";
import type { RunState } from "../../shared/wire";
import { Bar } from "../../shared/work/task_card";
import { Confusion, Pairs } from "./confusion";
import { Groups } from "./groups";
import { Scatter } from "./scatter";
import { type Found, type Looking, useResults } from "./use_results";
import { WorstRows } from "./worst";
import "./results.css";

/** States in which the model stands still. */
const STILL: ReadonlySet<string> = new Set(["paused", "finished", "stopped", "failed"]);

export function Results({ state }: { state: RunState }) {
  return STILL.has(state.state) ? <Still state={state} /> : null;
}

function Still({ state }: { state: RunState }) {
  const words = useWords();
  const { found, can, looking, look, cancel } = useResults(state.run, state.state);
  if (found === null && !can && looking === null) return null;
  const fresh = found?.view.step === state.step;
  return (
    <section class="nbt-results" aria-label={words.t("results.title")}>
      <div class="nbt-results-head">
        <h3>{words.t("results.title")}</h3>
        {can && looking === null && (
          <Button
            icon={found ? "reset" : "search"}
            quiet={found !== null && fresh}
            label={words.t(found ? "results.again" : "results.look")}
            onClick={look}
          />
        )}
      </div>
      {looking && <Underway looking={looking} onCancel={cancel} />}
      {found === null && looking === null && <p class="nbt-soft">{words.t("results.help")}</p>}
      {found && <Shown found={found} now={state.step} />}
    </section>
  );
}

function Underway({ looking, onCancel }: { looking: Looking; onCancel(): void }) {
  const words = useWords();
  return (
    <div class="nbt-results-underway" role="status">
      <span>{words.t("results.looking")}</span>
      <Bar share={looking.share} label={words.t("results.progress")} />
      <Button label={words.t("results.cancel")} quiet onClick={onCancel} />
    </div>
  );
}

function Shown({ found, now }: { found: Found; now: number }) {
  const words = useWords();
  const { view, points, urls } = found;
  const figures = Object.entries(view.metrics);
  return (
    <>
      <p class="nbt-soft">
        {words.t(`results.on.${view.part}`, { rows: words.integer(view.rows) })}
        {view.step !== now && (
          <> · {words.t("results.at", { step: words.integer(view.step), now: words.integer(now) })}</>
        )}
      </p>
      <dl class="nbt-results-figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>
              <bdi>{metricLabel(words, name)}</bdi>
            </dt>
            <dd class="nbt-number" title={value === null ? undefined : String(value)}>
              {value === null ? "–" : words.figure(value)}
            </dd>
          </div>
        ))}
      </dl>
      {view.matrix && <Confusion classes={view.classes} matrix={view.matrix} />}
      {!view.matrix && view.measure === "loss" && view.of_groups > 0 && <Pairs pairs={view.pairs} />}
      {points.length > 0 && <Scatter points={points} />}
      {view.groups.length > 0 && <Groups groups={view.groups} all={view.of_groups} />}
      {view.worst.length > 0 && <WorstRows worst={view.worst} measure={view.measure} urls={urls} />}
      {view.notes.map((note) => (
        <p key={note} class="nbt-soft" dir="auto">
          {note}
        </p>
      ))}
    </>
  );
}
