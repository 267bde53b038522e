/** Where the run is, in a word, a bar and figures that line up. */

import { StateBadge } from "../shared/controls/badge";
import { useWords } from "../shared/i18n";
import { hasEnded } from "../shared/runs";
import type { RunState } from "../shared/wire";

export function RunBar({ state }: { state: RunState }) {
  const words = useWords();
  const ended = hasEnded(state);
  const tokens = state.last.tokens_per_second;
  const of = (value: number, total: number | null): string =>
    total === null
      ? words.integer(value)
      : words.t("figure.of", { value: words.integer(value), total: words.integer(total) });
  return (
    <div class="nbt-run-bar" data-stage={state.state === "stopped" ? "paused" : state.stage}>
      <div class="nbt-run-head">
        <span role="status" class="nbt-run-state">
          <StateBadge state={state} />
        </span>
        <bdi class="nbt-run-name" title={state.name}>
          {state.name}
        </bdi>
        <span class="nbt-number nbt-run-share">{words.percent(state.progress)}</span>
      </div>
      <Progress state={state} />
      <div class="nbt-figures">
        <Figure label={words.t("figure.epoch")} value={of(state.epoch, state.epochs)} />
        <Figure label={words.t("figure.step")} value={of(state.step, state.total_steps)} />
        <Figure
          label={words.t("figure.rate")}
          value={state.samples_per_second === null ? "–" : words.figure(state.samples_per_second)}
        />
        {typeof tokens === "number" && <Figure label={words.t("figure.tokens")} value={words.figure(tokens)} />}
        {ended || state.seconds_left === null ? (
          <Figure label={words.t("figure.elapsed")} value={words.duration(state.seconds)} />
        ) : (
          <Figure label={words.t("figure.left")} value={words.duration(state.seconds_left)} />
        )}
      </div>
    </div>
  );
}

function Progress({ state }: { state: RunState }) {
  const words = useWords();
  const share = Math.min(1, Math.max(0, state.progress));
  const unknown = state.state === "preparing";
  return (
    <div
      class={unknown ? "nbt-progress nbt-progress-unknown" : "nbt-progress"}
      role="progressbar"
      aria-label={words.t("figure.progress")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={unknown ? undefined : Math.round(share * 100)}
      aria-valuetext={unknown ? words.t("state.preparing") : words.percent(share)}
    >
      <div style={unknown ? {} : { inlineSize: `${share * 100}%` }} />
    </div>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <span class="nbt-figure-label">{label}</span>
      <span class="nbt-figure-value nbt-number">{value}</span>
    </div>
  );
}
