/** Which columns of the data are what; a recipe finds out what is left open. */

import { Choice } from "../shared/controls/choice";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { useUid } from "../shared/uid";
import type { ColumnChoice } from "../shared/wire";
import "./columns.css";

/** What is asked of the columns of one kind of training: one column each, but for the features. */
export type Columns = Readonly<Record<string, string | readonly string[]>>;

const FEATURES = "features";

export interface ColumnRowsProps {
  /** What the recipe may be told. */
  asked: readonly string[];
  all: readonly ColumnChoice[];
  chosen: Columns;
  problems: Readonly<Record<string, string>>;
  onChange(chosen: Columns): void;
}

/** What was chosen of columns that are there, for what the recipe asks; what is something else is not learnt from. */
export function knownColumns(chosen: Columns, asked: readonly string[], all: readonly ColumnChoice[]): Columns {
  const names = new Set(all.map(({ name }) => name));
  const found: Record<string, string | readonly string[]> = {};
  for (const what of asked) {
    const value = chosen[what];
    if (typeof value === "string" && names.has(value)) found[what] = value;
    else if (Array.isArray(value)) {
      const there = value.filter((name) => names.has(name) && !asked.some((other) => chosen[other] === name));
      if (there.length > 0) found[what] = there;
    }
  }
  return found;
}

/** The columns that were chosen, where nobody knows which there are. */
export function columnsIn(chosen: Columns): ColumnChoice[] {
  return [...new Set(Object.values(chosen).flat())].map((name) => ({ name, kind: "" }));
}

export function ColumnRows({ asked, all, chosen, problems, onChange }: ColumnRowsProps) {
  const words = useWords();
  if (all.length === 0) return null;
  return (
    <section class="nbt-columns" aria-label={words.t("columns.title")}>
      {asked.map((what) =>
        what === FEATURES ? (
          <Features
            key={what}
            all={all.filter(({ name }) => !Object.values(chosen).includes(name))}
            chosen={(chosen[what] as readonly string[] | undefined) ?? []}
            problem={problems[what]}
            onChange={(names) => onChange({ ...chosen, [what]: names })}
          />
        ) : (
          <OneColumn
            key={what}
            what={what}
            all={all}
            chosen={(chosen[what] as string | undefined) ?? ""}
            problem={problems[what]}
            onChange={(name) => {
              const { [what]: _, ...rest } = chosen;
              onChange(name === "" ? rest : { ...rest, [what]: name });
            }}
          />
        ),
      )}
    </section>
  );
}

interface OneColumnProps {
  what: string;
  all: readonly ColumnChoice[];
  chosen: string;
  problem: string | undefined;
  onChange(name: string): void;
}

function OneColumn({ what, all, chosen, problem, onChange }: OneColumnProps) {
  const words = useWords();
  const id = useUid();
  return (
    <div class="nbt-field">
      <label for={id} class="nbt-field-head" title={words.t(`columns.${what}.help`)}>
        {words.t(`columns.${what}`)}
      </label>
      <Choice
        id={id}
        value={chosen}
        options={[
          { value: "", label: words.t("columns.auto") },
          ...all.map(({ name }) => ({ value: name, label: name })),
        ]}
        invalid={problem !== undefined}
        {...(problem === undefined ? {} : { describedBy: `${id}-problem` })}
        onChange={onChange}
      />
      <Problem id={id} text={problem} />
    </div>
  );
}

interface FeaturesProps {
  all: readonly ColumnChoice[];
  chosen: readonly string[];
  problem: string | undefined;
  onChange(names: readonly string[]): void;
}

function Features({ all, chosen, problem, onChange }: FeaturesProps) {
  const words = useWords();
  const id = useUid();
  const count = chosen.length;
  return (
    <div class="nbt-field">
      <details class="nbt-features">
        <summary>
          <Icon name="chevron" />
          <span>{words.t("columns.features")}</span>
          <span class="nbt-soft">
            {count === 0 ? words.t("columns.features.all") : words.t("columns.features.some", { count })}
          </span>
        </summary>
        <fieldset aria-describedby={problem === undefined ? undefined : `${id}-problem`}>
          <legend class="nbt-hidden">{words.t("columns.features")}</legend>
          {all.map(({ name }) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                onChange={(event) =>
                  onChange(event.currentTarget.checked ? [...chosen, name] : chosen.filter((each) => each !== name))
                }
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </fieldset>
      </details>
      <Problem id={id} text={problem} />
    </div>
  );
}

function Problem({ id, text }: { id: string; text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p id={`${id}-problem`} class="nbt-field-problem" dir="auto">
      {text}
    </p>
  );
}
