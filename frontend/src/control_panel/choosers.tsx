/** Which model to train, on which data, by which recipe. */

import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { AUTO, CUSTOM } from "../shared/form/model";
import { useWords } from "../shared/i18n";
import { useUid } from "../shared/uid";
import type { Subject, Value } from "../shared/wire";
import type { Subjects } from "./setup";

export interface Chosen {
  model: string | null;
  data: string | null;
}

const DATASET = "dataset:";

/** What suits the recipe: a model that was made for another kind of data does not. */
export function suiting(all: readonly Subject[], recipe: Value): Subject[] {
  return all.filter(
    ({ recipes }) => recipes === null || (recipe !== CUSTOM && (recipe === AUTO || recipes.includes(String(recipe)))),
  );
}

/** A recipe that was named recommends a model; so does the one that a dataset can only mean. */
export function recommendsModel(recipe: Value, data: string | null): boolean {
  if (typeof recipe !== "string" || recipe === CUSTOM) return false;
  return recipe !== AUTO || data?.startsWith(DATASET) === true;
}

/**
 * Where there is just one model, or one data set, that is the one, built-in ones not counted; a recipe that was named
 * has its own. A choice that went away is none.
 */
export function withOnlyOnes(picked: Chosen, all: readonly Subject[], recipe: Value): Chosen {
  const named = typeof recipe === "string" && recipe !== AUTO && recipe !== CUSTOM;
  const pick = (kind: Subject["kind"]): string | null => {
    const suited = all.filter((subject) => subject.kind === kind);
    if (suited.some(({ name }) => name === picked[kind])) return picked[kind];
    const own = suited.filter(({ recipes }) => recipes === null);
    const [first] = own;
    return own.length === 1 && first !== undefined && !(kind === "model" && named) ? first.name : null;
  };
  return { model: pick("model"), data: pick("data") };
}

export interface ChoosersProps {
  subjects: Subjects;
  chosen: Chosen;
  recipe: Value;
  problems: Readonly<Record<string, string>>;
  onChange(chosen: Chosen): void;
}

export function Choosers({ subjects, chosen, recipe, problems, onChange }: ChoosersProps) {
  const words = useWords();
  const all = suiting(subjects.all ?? [], recipe);
  const recommended = recommendsModel(recipe, chosen.data);
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
          recommended={kind === "model" && recommended}
          problem={problems[kind]}
          onChange={(name) => onChange({ ...chosen, [kind]: name })}
        />
      ))}
    </section>
  );
}

/** The name without what it is, which stands behind it. */
function shortName(name: string): string {
  return name.replace(/^(architecture|dataset|model):/, "");
}

interface ChooserProps {
  kind: Subject["kind"];
  known: boolean;
  options: readonly Subject[];
  chosen: string | null;
  /** Whether nothing need be chosen. */
  recommended: boolean;
  problem: string | undefined;
  onChange(name: string | null): void;
}

function Chooser({ kind, known, options, chosen, recommended, problem, onChange }: ChooserProps) {
  const words = useWords();
  const id = useUid();
  return (
    <div class="nbt-field">
      <label for={id} class="nbt-field-head">
        {words.t(`subjects.${kind}`)}
      </label>
      {known && options.length === 0 && !recommended ? (
        <p class="nbt-soft">{words.t(`subjects.${kind}.none`)}</p>
      ) : (
        <Choice
          id={id}
          value={chosen ?? ""}
          options={[
            { value: "", label: words.t(recommended ? "subjects.recommended" : "subjects.choose") },
            ...options.map(({ name, text }) => ({ value: name, label: `${shortName(name)} · ${text}` })),
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
