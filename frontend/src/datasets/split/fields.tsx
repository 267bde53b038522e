/** The fields that a method of splitting asks for. */

import { Choice } from "../../shared/controls/choice";
import { NumberInput } from "../../shared/controls/number";
import { TextInput } from "../../shared/controls/text";
import { useWords } from "../../shared/i18n";
import { useUid } from "../../shared/uid";
import type { ColumnView } from "../wire";
import { type ColumnField, type FieldName, METHODS, NEEDED, type Spec } from "./spec";

export interface FieldsProps {
  spec: Spec;
  columns: readonly ColumnView[];
  problems: Readonly<Record<string, string>>;
  onChange(change: Partial<Spec>): void;
}

export function Fields({ spec, columns, problems, onChange }: FieldsProps) {
  const words = useWords();
  const id = useUid();
  return (
    <>
      {METHODS[spec.method].fields.map((name) => {
        const problem = problems[name];
        return (
          <div key={name} class="nbt-split-field">
            <label for={`${id}-${name}`}>{words.t(`datasets.split.field.${name}`)}</label>
            <Control
              id={`${id}-${name}`}
              name={name}
              spec={spec}
              columns={columns}
              invalid={problem !== undefined}
              onChange={onChange}
            />
            {name === "gap" && !problem && (
              <p class="nbt-split-help">{words.t("datasets.split.gap.help", { days: "7d", hours: "12h" })}</p>
            )}
            {problem && (
              <p id={`${id}-${name}-problem`} class="nbt-field-problem" role="alert" dir="auto">
                {problem}
              </p>
            )}
          </div>
        );
      })}
    </>
  );
}

interface ControlProps {
  id: string;
  name: FieldName;
  spec: Spec;
  columns: readonly ColumnView[];
  invalid: boolean;
  onChange(change: Partial<Spec>): void;
}

function Control({ id, name, spec, columns, invalid, onChange }: ControlProps) {
  const words = useWords();
  const described = invalid ? { invalid, describedBy: `${id}-problem` } : {};
  switch (name) {
    case "gap":
      return <TextInput id={id} value={spec.gap} {...described} onChange={(gap) => onChange({ gap })} />;
    case "folds":
    case "fold":
    case "seed":
      return (
        <NumberInput
          id={id}
          value={spec[name]}
          {...described}
          onChange={(value) => value !== null && onChange({ [name]: Math.max(Math.round(value), lowest(name)) })}
          onUnreadable={() => undefined}
        />
      );
    default: {
      const needed = NEEDED[spec.method] === name;
      const nothing = needed ? "datasets.choose_column" : "datasets.no_column";
      return (
        <Choice
          id={id}
          value={spec[name] ?? ""}
          {...described}
          options={[
            { value: "", label: words.t(name === "key" ? "datasets.split.key.whole" : nothing) },
            ...columns
              .filter((column) => fits(column, name))
              .map((column) => ({ value: column.name, label: column.name })),
          ]}
          onChange={(value) => onChange({ [name]: value === "" ? null : value })}
        />
      );
    }
  }
}

/** What cannot be compared cannot be a group, a time or a key. */
function fits({ kind }: ColumnView, name: ColumnField): boolean {
  if (name === "time") return ["date", "time", "integer", "number", "text"].includes(kind);
  return !["image", "audio", "binary", "nested"].includes(kind);
}

function lowest(name: "folds" | "fold" | "seed"): number {
  return { folds: 2, fold: 1, seed: 0 }[name];
}
