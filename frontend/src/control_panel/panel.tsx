/** The train panel: the form on one side, the run on the other. */

import { useCallback, useState } from "preact/hooks";
import { Charts } from "../shared/charts";
import { Form } from "../shared/form/form";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { hasEnded, shownRun } from "../shared/runs";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { RunState } from "../shared/wire";
import { Actions } from "./actions";
import { Choosers, type Chosen, withOnlyOnes } from "./choosers";
import { type CommandKind, useCommands } from "./commands";
import { LiveEdits } from "./live_edits";
import { ChefLine, Outcome } from "./outcome";
import { RunBar } from "./run_bar";
import { type Offer, useOffered, useSetup, useSubjects, useSuggested } from "./setup";
import { type FormState, useForm } from "./use_form";
import "./control_panel.css";

export function ControlPanel() {
  const { rpc, store } = usePanel();
  const words = useWords();
  const setup = useSetup();
  const subjects = useSubjects(!setup.bound);
  const [picked, setPicked] = useState<Chosen>({ model: null, data: null });
  const chosen = withOnlyOnes(picked, subjects.all ?? []);
  const { refresh } = subjects;
  const take = useCallback(
    (offer: Offer) => {
      refresh(); // it may be newer than the list
      setPicked((before) => ({ ...before, ...offer }));
    },
    [refresh],
  );
  useOffered(take);
  const [wanted, setWanted] = useState<string | null>(null);
  const states = useValue(store.states);
  const ready = useValue(store.ready);
  const alive = useValue(rpc.alive);
  const form = useForm(setup.fields);
  useSuggested((options) => form.setValues({ ...form.values, ...options }));
  const state = shownRun(states, wanted);
  const commands = useCommands(state, form.refuse);
  const active = state !== undefined && !hasEnded(state);

  const fields = new Set([...setup.fields.map((field) => field.name), "model", "data"]);
  const wrong = Object.keys(form.problems).filter((name) => fields.has(name)).length;
  const complete = setup.bound || (chosen.model !== null && chosen.data !== null);
  const startable = complete && form.readable;

  const command = async (kind: CommandKind): Promise<void> => {
    const run = await commands.ask<{ run: string }>(kind, fieldsOf(kind, form, chosen, state));
    if (run && (kind === "start" || kind === "resume_run")) setWanted(run.run);
  };

  return (
    <div class={state ? "nbt-train nbt-train-has-run" : "nbt-train"}>
      <FormSide collapsible={state !== undefined} title={words.t(active ? "live.title" : "form.title")}>
        {active ? (
          <LiveEdits fields={setup.fields} state={state} />
        ) : (
          <>
            {!setup.bound && (
              <Choosers subjects={subjects} chosen={chosen} problems={form.problems} onChange={setPicked} />
            )}
            <Form
              fields={setup.fields}
              presets={setup.presets}
              values={form.values}
              unreadable={form.unreadable}
              problems={form.problems}
              onChange={form.setValues}
              onUnreadable={form.setUnreadable}
            />
          </>
        )}
      </FormSide>
      <section class="nbt-run-side" aria-label={words.t("run.title")}>
        {state ? <RunBar state={state} /> : <Waiting ready={ready} />}
        <Actions
          state={state?.state}
          ownLoop={state?.own_loop ?? false}
          asked={commands.asked}
          disabled={!alive}
          startable={startable}
          onCommand={(kind) => void command(kind)}
        />
        {!active && !complete && <p class="nbt-start-note nbt-soft">{words.t("subjects.needed")}</p>}
        {!active && wrong > 0 && (
          <p class="nbt-start-note nbt-field-problem">{words.t("problem.count", { count: wrong })}</p>
        )}
        {!active &&
          form.general.map((message) => (
            <p key={message} class="nbt-field-problem" dir="auto">
              {message}
            </p>
          ))}
        {state && (
          <>
            <Outcome state={state} />
            <Charts store={store} runs={[state.run]} compact />
            <ChefLine state={state} />
          </>
        )}
      </section>
    </div>
  );
}

function fieldsOf(kind: CommandKind, form: FormState, chosen: Chosen, state: RunState | undefined) {
  if (kind === "resume_run") return { run: state?.run };
  if (kind !== "start") return {};
  return {
    options: form.options,
    ...(chosen.model === null ? {} : { model: chosen.model }),
    ...(chosen.data === null ? {} : { data: chosen.data }),
  };
}

interface FormSideProps {
  /** With a run on show and little room, the form folds away. */
  collapsible: boolean;
  title: string;
  children: preact.ComponentChildren;
}

function FormSide({ collapsible, title, children }: FormSideProps) {
  const id = useUid();
  const [open, setOpen] = useState(false);
  return (
    <section class="nbt-form-side" data-folded={collapsible && !open} aria-label={title}>
      {collapsible && (
        <button type="button" class="nbt-fold" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          <Icon name="chevron" />
          <span>{title}</span>
        </button>
      )}
      <div id={id} class="nbt-form-body">
        {children}
      </div>
    </section>
  );
}

function Waiting({ ready }: { ready: boolean }) {
  const words = useWords();
  return (
    <div class="nbt-no-run" role="status">
      <Icon name={ready ? "pot" : "hourglass"} size={32} />
      <p class="nbt-no-run-title">{words.t(ready ? "run.none" : "run.connecting")}</p>
      {ready && <p class="nbt-soft">{words.t("run.none.help")}</p>}
    </div>
  );
}
