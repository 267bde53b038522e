/** One step of a recipe: where it stands, what it does, and its options. */

import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { NumberInput } from "../../shared/controls/number";
import { Switch } from "../../shared/controls/switch";
import { TextInput } from "../../shared/controls/text";
import { type I18n, useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { useUid } from "../../shared/uid";
import type { ColumnView, StepField, StepSchema } from "../wire";
import { columnsFor, type DraftStep, isShown } from "./recipe";

export interface StepItemProps {
  step: DraftStep;
  schema: StepSchema | undefined;
  columns: readonly ColumnView[];
  index: number;
  count: number;
  open: boolean;
  onOpen(): void;
  onChange(values: DraftStep["values"]): void;
  onMove(to: number): void;
  onRemove(): void;
}

export function StepItem(props: StepItemProps) {
  const { step, schema, columns, index, count, open } = props;
  const words = useWords();
  const id = useUid();
  const title = words.t(`step.${step.step}`);
  const shown = (schema?.fields ?? []).filter((field) => isShown(field, step.values));
  return (
    <li class={open ? "nbt-step nbt-step-open" : "nbt-step"}>
      <div class="nbt-step-head">
        <button type="button" class="nbt-step-title" aria-expanded={open} aria-controls={id} onClick={props.onOpen}>
          <span class="nbt-step-place nbt-number">{words.integer(index + 1)}</span>
          <span class="nbt-step-name">{title}</span>
          <span class="nbt-step-columns" dir="auto">
            {summary(step, words)}
          </span>
        </button>
        <Move
          label={words.t("datasets.process.up", { step: title })}
          up
          disabled={index === 0}
          onClick={() => props.onMove(index - 1)}
        />
        <Move
          label={words.t("datasets.process.down", { step: title })}
          disabled={index === count - 1}
          onClick={() => props.onMove(index + 1)}
        />
        <Button
          icon="trash"
          iconOnly
          quiet
          label={words.t("datasets.process.remove", { step: title })}
          onClick={props.onRemove}
        />
      </div>
      <div id={id} class="nbt-step-body" hidden={!open}>
        {open && (
          <>
            <p class="nbt-step-help">{words.t(`step.${step.step}.help`)}</p>
            {shown.map((field) => (
              <Option
                key={field.name}
                id={`${id}-${field.name}`}
                step={step.step}
                field={field}
                value={step.values[field.name]}
                columns={columnsFor(field, columns)}
                onChange={(value) => props.onChange({ ...step.values, [field.name]: value })}
              />
            ))}
          </>
        )}
      </div>
    </li>
  );
}

interface MoveProps {
  label: string;
  up?: boolean;
  disabled: boolean;
  onClick(): void;
}

function Move({ label, up = false, disabled, onClick }: MoveProps) {
  return (
    <span class={up ? "nbt-step-up" : "nbt-step-down"}>
      <Button icon="chevron" iconOnly quiet label={label} disabled={disabled} onClick={onClick} />
    </span>
  );
}

/** The columns a step works on. */
function summary({ values }: DraftStep, words: I18n): string {
  const columns = Array.isArray(values.columns) ? (values.columns as string[]) : [];
  return columns.length > 0 ? columns.join(", ") : words.t("datasets.process.all_columns");
}

interface OptionProps {
  id: string;
  step: string;
  field: StepField;
  value: unknown;
  columns: readonly ColumnView[];
  onChange(value: unknown): void;
}

function Option(props: OptionProps) {
  const { id, step, field } = props;
  const words = useWords();
  const key = `step.${step}.${field.name}`;
  const label = field.name === "columns" ? words.t("datasets.process.columns") : words.t(key);
  if (field.type === "columns") return <ColumnBoxes {...props} label={label} />;
  return (
    <div class={field.type === "bool" ? "nbt-split-field nbt-step-switch" : "nbt-split-field"}>
      <label for={id}>{label}</label>
      <Control {...props} />
    </div>
  );
}

function Control({ id, step, field, value, columns, onChange }: OptionProps) {
  const words = useWords();
  switch (field.type) {
    case "bool":
      return <Switch id={id} value={value === true} onChange={onChange} />;
    case "int":
    case "float":
      return (
        <NumberInput
          id={id}
          value={typeof value === "number" ? value : null}
          optional={field.optional}
          step={field.type === "int" ? 1 : 0.1}
          onChange={onChange}
          onUnreadable={() => undefined}
        />
      );
    case "choice":
      return (
        <Choice
          id={id}
          value={String(value ?? "")}
          options={[
            ...(field.optional ? [{ value: "", label: words.t("datasets.none") }] : []),
            ...(field.choices ?? []).map((choice) => ({
              value: choice,
              label: words.t(`step.${step}.${field.name}.${choice}`),
            })),
          ]}
          onChange={(choice) => onChange(choice === "" && field.optional ? null : choice)}
        />
      );
    case "column":
      return (
        <Choice
          id={id}
          value={String(value ?? "")}
          options={[
            { value: "", label: words.t(field.optional ? "datasets.no_column" : "datasets.choose_column") },
            ...columns.map(({ name }) => ({ value: name, label: name })),
          ]}
          onChange={(name) => onChange(name === "" ? (field.optional ? null : "") : name)}
        />
      );
    default:
      return (
        <TextInput
          id={id}
          value={String(value ?? "")}
          onChange={(text) => onChange(field.optional && text === "" ? null : text)}
        />
      );
  }
}

/** Several columns, each a box to tick; none ticked stands for all that fit. */
function ColumnBoxes({ id, value, columns, label, onChange }: OptionProps & { label: string }) {
  const words = useWords();
  const ticked = Array.isArray(value) ? (value as string[]) : [];
  const toggle = (name: string): void =>
    onChange(ticked.includes(name) ? ticked.filter((other) => other !== name) : [...ticked, name]);
  return (
    <fieldset class="nbt-boxes" id={id}>
      <legend>{label}</legend>
      <p class="nbt-step-help">{words.t("datasets.process.columns.help")}</p>
      <div class="nbt-boxes-list">
        {columns.length === 0 && <p class="nbt-soft">{words.t("datasets.process.columns.none")}</p>}
        {columns.map(({ name }) => (
          <label key={name} class={ticked.includes(name) ? "nbt-box nbt-box-on" : "nbt-box"}>
            <input type="checkbox" checked={ticked.includes(name)} onChange={() => toggle(name)} />
            {ticked.includes(name) && <Icon name="check" size={12} />}
            <span dir="auto">{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
