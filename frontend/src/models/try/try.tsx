/** *Try it*: an input typed or chosen, and what the model says to it. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import { RequestError } from "../../shared/rpc";
import { useSetupTrait } from "../../shared/setup";
import { onEnter } from "../../shared/work/enter";
import { useAnswer } from "../../shared/work/tasks";
import { Upload } from "../../shared/work/upload";
import { isolated } from "../format";
import type { Prediction, TryForm, VersionView } from "../wire";
import { Answer } from "./answer";
import { Field } from "./field";
import { first, type Given, sent } from "./values";
import "./try.css";

const DEFAULT_CHUNK = 2 * 2 ** 20;

export interface TryProps {
  model: string;
  version: VersionView;
}

export function Try({ model, version }: TryProps) {
  const panel = usePanel();
  const words = useWords();
  const chunk = useSetupTrait<{ chunk: number }>()?.chunk ?? DEFAULT_CHUNK;
  const of = { model, version: version.number };
  const key = `${model} ${version.number}`;
  const form = useAnswer<TryForm>(version.tryable ? ({ rpc }) => rpc.request("try_form", of) : null, key);
  const [given, setGiven] = useState<Given>({});
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [answer, setAnswer] = useState<Prediction | null>(null);
  if (!version.tryable) {
    return <p class="nbt-try-none nbt-soft">{words.t("try.none", { code: isolated("nbtrain.models.load(name)") })}</p>;
  }
  if (!form.value) {
    return (
      <p class="nbt-models-wait nbt-soft" role="status">
        <Icon name="hourglass" /> {words.t("models.loading")}
      </p>
    );
  }
  const { fields, note } = form.value;

  /** Sends a file; the id of its upload stands for it. */
  const upload = async (file: File): Promise<string> => {
    const way = new Upload(panel.rpc, file, {}, chunk);
    const id = await way.arrive();
    if (id === null) throw way.state.get().error;
    return id;
  };
  const predict = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblems({});
    try {
      const values: Record<string, unknown> = {};
      for (const field of fields) values[field.name] = await sent(field, given[field.name] ?? first(field), upload);
      setAnswer(await panel.rpc.request<Prediction>("predict", { ...of, values }));
    } catch (error) {
      setAnswer(null);
      setProblems(problemsOf(error, errorText(error, words)));
    } finally {
      setBusy(false);
    }
  };
  const rest = Object.entries(problems).filter(([name]) => !fields.some((field) => field.name === name));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
    <div class="nbt-try" onKeyDown={onEnter(() => void predict())}>
      <div class="nbt-try-form">
        {note && (
          <p class="nbt-soft" dir="auto">
            {note}
          </p>
        )}
        {fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            value={given[field.name] ?? first(field)}
            problem={problems[field.name]}
            onChange={(value) => setGiven((known) => ({ ...known, [field.name]: value }))}
          />
        ))}
        <p>
          <Button icon="play" label={words.t("try.predict")} primary busy={busy} onClick={() => void predict()} />
        </p>
        {rest.map(([name, problem]) => (
          <p key={name} class="nbt-field-problem" role="alert" dir="auto">
            {problem}
          </p>
        ))}
      </div>
      <section class="nbt-try-answer" aria-label={words.t("try.answer")} aria-live="polite" aria-busy={busy}>
        {busy && <p class="nbt-soft">{words.t("try.working")}</p>}
        {!busy && answer && <Answer answer={answer} />}
        {!busy && !answer && rest.length === 0 && <p class="nbt-soft">{words.t("try.empty")}</p>}
      </section>
    </div>
  );
}

function problemsOf(error: unknown, text: string): Readonly<Record<string, string>> {
  if (!(error instanceof RequestError) || error.problems.length === 0) return { "": text };
  return Object.fromEntries(error.problems.map(({ field, message }) => [field, message]));
}
