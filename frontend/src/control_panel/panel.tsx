/** The train panel: the form on one side, the run on the other. */

import { useCallback, useState } from "preact/hooks";
import { Charts } from "../shared/charts";
import { FieldRow } from "../shared/form/field";
import { Form } from "../shared/form/form";
import { CUSTOM, isVisible, RECIPE, startValues } from "../shared/form/model";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { hasEnded, shownRun } from "../shared/runs";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { RunState } from "../shared/wire";
import { Actions } from "./actions";
import { Choosers, recommendsModel, suiting, withOnlyOnes } from "./choosers";
import { ColumnRows, columnsIn, knownColumns } from "./columns";
import { type CommandKind, useCommands } from "./commands";
import { useDraft } from "./draft";
import { useDropped } from "./edits";
import { Forecast } from "./forecast";
import { LiveEdits } from "./live_edits";
import { ChefLine, Outcome } from "./outcome";
import { Results } from "./results/results";
import { RunBar } from "./run_bar";
import { Samples } from "./samples";
import { type Offer, useColumns, useOffered, useSetup, useSubjects, useSuggested } from "./setup";
import { Signs } from "./signs";
import { Teacher } from "./teacher";
import { type FormState, useForm } from "./use_form";
import "./control_panel.css";

export function ControlPanel() {
  const { rpc, store } = usePanel();
  const words = useWords();
  const setup = useSetup();
  const subjects = useSubjects(!setup.bound);
  const [draft, change] = useDraft(setup.fields);
  const form = useForm(setup.fields, setup.recipes, draft, change);
  const recipe = form.values[RECIPE] ?? CUSTOM;
  const chosen = withOnlyOnes(draft, suiting(subjects.all ?? [], recipe), recipe);
  const there = useColumns(chosen.data, setup.recipes.length > 0 && (setup.bound || chosen.data !== null), subjects);
  const asked = setup.recipes.find(({ name }) => name === recipe)?.columns ?? [];
  const { refresh } = subjects;
  const take = useCallback(
    (offer: Offer, seen: number) => {
      refresh(); // it may be newer than the list
      change((before) => ({ ...offer, seen: Math.max(before.seen, seen) }));
    },
    [refresh, change],
  );
  useOffered(draft.seen, take);
  const [wanted, setWanted] = useState<string | null>(null);
  const states = useValue(store.states);
  const ready = useValue(store.ready);
  useDropped(draft.edits, states, ready, change);
  const alive = useValue(rpc.alive);
  useSuggested(draft.seen, (options, seen) => {
    form.setValues({ ...form.values, ...options });
    change((before) => ({ seen: Math.max(before.seen, seen) }));
  });
  const state = shownRun(states, wanted);
  const commands = useCommands(state, form.refuse);
  const active = state !== undefined && !hasEnded(state);

  const fields = new Set([...setup.fields.map((field) => field.name), "model", "data", ...asked]);
  const wrong = Object.keys(form.problems).filter((name) => fields.has(name)).length;
  const withModel = chosen.model !== null || recommendsModel(recipe, chosen.data);
  const complete = setup.bound || (chosen.data !== null && withModel);
  const startable = complete && form.readable;
  const all = there ?? columnsIn(draft.columns); // what is not known yet is sent as it was chosen; Python looks at it
  const known = knownColumns(draft.columns, asked, all);
  const told = {
    ...(chosen.model === null ? {} : { model: chosen.model }),
    ...(chosen.data === null ? {} : { data: chosen.data }),
    ...(Object.keys(known).length === 0 ? {} : { columns: known }),
  };
  const wish = { options: form.options, ...told };

  const command = async (kind: CommandKind): Promise<void> => {
    const run = await commands.ask<{ run: string }>(kind, fieldsOf(kind, wish, state));
    if (run && (kind === "start" || kind === "resume_run")) setWanted(run.run);
  };

  return (
    <div class={state ? "nbt-train nbt-train-has-run" : "nbt-train"}>
      <FormSide
        collapsible={state !== undefined}
        startOpen={draft.edits !== null}
        title={words.t(active ? "live.title" : "form.title")}
      >
        {active ? (
          <LiveEdits fields={setup.fields} state={state} edits={draft.edits} change={change} />
        ) : (
          <>
            {!setup.bound && (
              <Choosers
                subjects={subjects}
                chosen={chosen}
                recipe={recipe}
                problems={form.problems}
                onChange={change}
              />
            )}
            <RecipeRow form={form} />
            <ColumnRows
              asked={asked}
              all={all}
              chosen={known}
              problems={form.problems}
              onChange={(columns) => change({ columns })}
            />
            <Form
              fields={form.fields}
              presets={setup.presets}
              values={form.values}
              unreadable={form.unreadable}
              problems={form.problems}
              draws={{
                teacher: (control) => (
                  <Teacher {...control} asked={{ options: { recipe }, ...told }} subjects={subjects.all} />
                ),
              }}
              onChange={form.setValues}
              onUnreadable={form.setUnreadable}
            />
          </>
        )}
      </FormSide>
      <section class="nbt-run-side" aria-label={words.t("run.title")}>
        {state ? <RunBar state={state} /> : <Waiting ready={ready} />}
        {!active && startable && <Forecast wish={wish} disabled={!alive} onRefused={form.refuse} />}
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
            <Signs signs={state.signs} />
            <Results key={`results ${state.run}`} state={state} />
            <Charts store={store} runs={[state.run]} compact />
            <Samples key={state.run} run={state.run} epochs={state.sampled} />
            <ChefLine state={state} />
          </>
        )}
      </section>
    </div>
  );
}

function fieldsOf(kind: CommandKind, wish: Record<string, unknown>, state: RunState | undefined) {
  if (kind === "resume_run") return { run: state?.run };
  return kind === "start" ? wish : {};
}

/** The recipe stands before all other options: it says which there are. */
function RecipeRow({ form }: { form: FormState }) {
  const id = useUid();
  const field = form.fields.find(({ name }) => name === RECIPE);
  if (!field || !isVisible(field, form.values)) return null;
  return (
    <FieldRow
      id={`${id}-${RECIPE}`}
      field={field}
      value={form.values[RECIPE] ?? null}
      problem={form.problems[RECIPE]}
      resetTo={startValues([field])[RECIPE] ?? null}
      onChange={(value) => form.setValues({ ...form.values, [RECIPE]: value })}
      onUnreadable={() => {}}
    />
  );
}

interface FormSideProps {
  /** With a run on show and little room, the form folds away. */
  collapsible: boolean;
  /** Whether it is unfolded at first: something was typed that is not to be out of sight. */
  startOpen: boolean;
  title: string;
  children: preact.ComponentChildren;
}

function FormSide({ collapsible, startOpen, title, children }: FormSideProps) {
  const id = useUid();
  const [open, setOpen] = useState(startOpen);
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
