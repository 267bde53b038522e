/** How a run does on rows it did not learn from: figures, what was taken for what, and where it errs most. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { metricLabel } from "../../shared/metric";
import { useUid } from "../../shared/uid";
import type { ResultsView, RunState } from "../../shared/wire";
import { Confusion, Pairs } from "./confusion";
import { Groups } from "./groups";
import { Scatter } from "./scatter";
import { type Found, type Looking, useResults } from "./use_results";
import { WorstRows } from "./worst";
import "../../shared/work/task_card.css";
import "./results.css";

/** States in which the model stands still. */
const STILL: ReadonlySet<string> = new Set(["paused", "finished", "stopped", "failed"]);
const SAYING_MOST = ["span_f1", "accuracy", "r2", "perplexity", "mre_mm", "mre_px", "loss"];

export function Results({ state }: { state: RunState }) {
  return STILL.has(state.state) ? <Still state={state} /> : null;
}

function Still({ state }: { state: RunState }) {
  const words = useWords();
  const id = useUid();
  const [open, setOpen] = useState(false);
  const { found, can, looking, look, cancel } = useResults(state.run, state.state);
  if (found === null && !can && looking === null) return null;
  const begin = (): void => {
    setOpen(true);
    look();
  };
  return (
    <section class="nbt-results" aria-label={words.t("results.title")}>
      <div class="nbt-results-head">
        {found ? (
          <button
            type="button"
            class="nbt-results-fold"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            <Icon name="chevron" />
            <strong>{words.t("results.title")}</strong> <Headline view={found.view} now={state.step} />
          </button>
        ) : (
          <h3>{words.t("results.title")}</h3>
        )}
        {can && looking === null && (
          <Button
            icon={found ? "reset" : "search"}
            quiet={found?.view.step === state.step}
            label={words.t(found ? "results.again" : "results.look")}
            onClick={begin}
          />
        )}
      </div>
      {looking && <Underway looking={looking} onCancel={cancel} />}
      {found === null && looking === null && <p class="nbt-soft">{words.t("results.help")}</p>}
      <div id={id} class="nbt-results-body" hidden={!open || found === null}>
        {open && found && <Shown found={found} now={state.step} />}
      </div>
    </section>
  );
}

/** The figure that says most, for who does not want to read all. */
function Headline({ view, now }: { view: ResultsView; now: number }) {
  const words = useWords();
  const name = SAYING_MOST.find((each) => typeof view.metrics[each] === "number");
  return name === undefined ? null : (
    <span class="nbt-soft">
      {metricLabel(words, name)} <span class="nbt-number">{words.figure(view.metrics[name] ?? 0)}</span>
      {view.step !== now && (
        <> · {words.t("results.at", { step: words.integer(view.step), now: words.integer(now) })}</>
      )}
    </span>
  );
}

function Underway({ looking, onCancel }: { looking: Looking; onCancel(): void }) {
  const words = useWords();
  return (
    <div class="nbt-results-underway" role="status">
      <span>{words.t("results.looking")}</span>
      <div
        class={looking.share === null ? "nbt-task-bar nbt-task-bar-unknown" : "nbt-task-bar"}
        role="progressbar"
        aria-label={words.t("results.progress")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={looking.share === null ? undefined : Math.round(looking.share * 100)}
      >
        <div style={looking.share === null ? {} : { inlineSize: `${looking.share * 100}%` }} />
      </div>
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
      {!view.matrix && view.pairs && <Pairs pairs={view.pairs} />}
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
