/** Which of the notebook's models to train, on which of its data. */

import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { useWords } from "../shared/i18n";
import { useUid } from "../shared/uid";
import type { Subject } from "../shared/wire";
import type { Subjects } from "./setup";

export interface Chosen {
  model: string | null;
  data: string | null;
}

/** Where the notebook holds just one model, or one data set, that is the one. A choice that went away is none. */
export function withOnlyOnes(picked: Chosen, all: readonly Subject[]): Chosen {
  const pick = (kind: Subject["kind"]): string | null => {
    const names = all.filter((subject) => subject.kind === kind).map(({ name }) => name);
    const [first] = names;
    if (picked[kind] !== null && names.includes(picked[kind])) return picked[kind];
    return names.length === 1 && first !== undefined ? first : null;
  };
  return { model: pick("model"), data: pick("data") };
}

export interface ChoosersProps {
  subjects: Subjects;
  chosen: Chosen;
  problems: Readonly<Record<string, string>>;
  onChange(chosen: Chosen): void;
}

export function Choosers({ subjects, chosen, problems, onChange }: ChoosersProps) {
  const words = useWords();
  const all = subjects.all ?? [];
  return (
    <section class="nbt-choosers">
      <div class="nbt-choosers-head">
        <h2>{words.t("subjects.title")}</h2>
        <Button icon="reset" iconOnly quiet label={words.t("subjects.refresh")} onClick={subjects.refresh} />
      </div>
      {(["model", "data"] as const).map((kind) => (
        <Chooser
          key={kind}
          kind={kind}
          known={subjects.all !== null}
          options={all.filter((subject) => subject.kind === kind)}
          chosen={chosen[kind]}
          problem={problems[kind]}
          onChange={(name) => onChange({ ...chosen, [kind]: name })}
        />
      ))}
    </section>
  );
}

interface ChooserProps {
  kind: Subject["kind"];
  known: boolean;
  options: readonly Subject[];
  chosen: string | null;
  problem: string | undefined;
  onChange(name: string | null): void;
}

function Chooser({ kind, known, options, chosen, problem, onChange }: ChooserProps) {
  const words = useWords();
  const id = useUid();
  return (
    <div class="nbt-field">
      <label for={id} class="nbt-field-head">
        {words.t(`subjects.${kind}`)}
      </label>
      {known && options.length === 0 ? (
        <p class="nbt-soft">{words.t(`subjects.${kind}.none`)}</p>
      ) : (
        <Choice
          id={id}
          value={chosen ?? ""}
          options={[
            { value: "", label: words.t("subjects.choose") },
            ...options.map(({ name, text }) => ({ value: name, label: `${name} · ${text}` })),
          ]}
          invalid={problem !== undefined}
          {...(problem === undefined ? {} : { describedBy: `${id}-problem` })}
          onChange={(name) => onChange(name === "" ? null : name)}
        />
      )}
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
