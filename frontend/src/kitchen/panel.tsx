/** Training told as cooking. */

import { useState } from "preact/hooks";
import { Choice } from "../shared/controls/choice";
import { type I18n, useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { shownRun } from "../shared/runs";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { RunState } from "../shared/wire";
import { Scene } from "./scene";
import { type Mood, moodOf, storyOf } from "./story";
import "./kitchen.css";

const ICONS: Record<Mood, IconName> = {
  cold: "pot",
  preheating: "hourglass",
  simmering: "pot",
  boiling: "flame",
  finishing: "gauge",
  ready: "check",
  burnt: "alert",
  paused: "pause",
  stopped: "stop",
};

export function Kitchen() {
  const words = useWords();
  const states = useValue(usePanel().store.states);
  const id = useUid();
  const [chosen, setChosen] = useState<string | null>(null);
  const state = shownRun(states, chosen);
  const story = storyOf(state);
  const mood = moodOf(state);
  const stage = words.t(`kitchen.stage.${mood}`);
  const sentence = state ? words.t(state.chef.key, state.chef.args) : words.t("chef.cold");
  const percent = words.percent(story.progress);
  return (
    <section class="nbt-kitchen" data-mood={mood}>
      <header class="nbt-kitchen-head">
        <span class="nbt-kitchen-stage" role="status">
          <Icon name={ICONS[mood]} />
          {stage}
        </span>
        {state && <span class="nbt-kitchen-percent">{percent}</span>}
        {state && <Facts words={words} state={state} />}
        {states.size > 1 && state ? (
          <span class="nbt-kitchen-run">
            <Choice
              id={id}
              label={words.t("kitchen.run")}
              value={state.run}
              options={[...states.values()].map(({ run, name }) => ({ value: run, label: name }))}
              onChange={setChosen}
            />
          </span>
        ) : (
          state && (
            <span class="nbt-kitchen-name">
              <bdi>{state.name}</bdi>
            </span>
          )
        )}
      </header>
      <div class="nbt-kitchen-wall">
        <div class="nbt-kitchen-frame">
          <p class="nbt-kitchen-bubble">{sentence}</p>
          <Scene story={story} label={words.t("kitchen.description", { stage, percent, sentence })} />
        </div>
      </div>
      {state?.error && (
        <div class="nbt-kitchen-error" role="alert">
          <Icon name="alert" />
          <div>
            <bdi class="nbt-kitchen-kind">{state.error.kind}</bdi>
            <p dir="auto">{state.error.message}</p>
            <p class="nbt-kitchen-todo">{words.t("kitchen.burnt.todo")}</p>
          </div>
        </div>
      )}
    </section>
  );
}

function Facts({ words, state }: { words: I18n; state: RunState }) {
  const { epoch, epochs, step, total_steps: total, samples_per_second: rate } = state;
  const facts = [words.t("kitchen.epoch", { epoch: words.integer(epoch), epochs: words.integer(epochs) })];
  const at = { step: words.integer(step), total: words.integer(total ?? 0) };
  facts.push(words.t(total === null ? "kitchen.step.open" : "kitchen.step", at));
  if (state.state === "running" && rate !== null) facts.push(words.t("kitchen.speed", { rate: words.integer(rate) }));
  return (
    <span class="nbt-kitchen-facts">
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </span>
  );
}
