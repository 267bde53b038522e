/** One option: label, explanation, control, and what is wrong with it. */

import type { ComponentChildren } from "preact";
import { Button } from "../controls/button";
import { Choice } from "../controls/choice";
import { NumberInput } from "../controls/number";
import { Slider } from "../controls/slider";
import { Switch } from "../controls/switch";
import { TextInput } from "../controls/text";
import { Tooltip } from "../controls/tooltip";
import { type I18n, useWords } from "../i18n";
import type { Field, Value } from "../wire";
import { scaleOf, stepOf } from "./model";
import "./field.css";

/** What a control is given. */
export interface OwnControl {
  id: string;
  value: Value;
  disabled: boolean;
  invalid: boolean;
  describedBy?: string;
  onChange(value: Value): void;
}

/** Draws a field for which the control of its type does not suffice. */
export type Draw = (control: OwnControl) => ComponentChildren;

export interface FieldRowProps {
  /** Unique on the page; ids of control and message grow from it. */
  id: string;
  field: Field;
  value: Value;
  /** What stands in a number field and cannot be read as a number. */
  unreadable?: string | undefined;
  problem?: string | undefined;
  /** The id of what else is to be heard of it. */
  describedBy?: string | undefined;
  disabled?: boolean;
  draw?: Draw | undefined;
  /** Offers the way back to this value when the present one differs. */
  resetTo?: Value;
  onChange(value: Value): void;
  /** The text in a number field cannot be read; `null` takes that back. */
  onUnreadable(text: string | null): void;
  children?: ComponentChildren;
}

export function FieldRow(props: FieldRowProps) {
  const { id, field, value, unreadable, problem, resetTo, children } = props;
  const words = useWords();
  const changed = resetTo !== undefined && (resetTo !== value || unreadable !== undefined);
  return (
    <div class={field.type === "bool" ? "nbt-field nbt-field-inline" : "nbt-field"}>
      <div class="nbt-field-head">
        <label for={id} class="nbt-field-label">
          {words.t(`option.${field.name}.label`)}
        </label>
        <Tooltip label={words.t("form.explain", { option: words.t(`option.${field.name}.label`) })}>
          <Advice field={field} />
        </Tooltip>
        {changed && (
          <Button
            icon="reset"
            iconOnly
            quiet
            label={words.t("form.reset", { value: valueText(field, resetTo, words) })}
            onClick={() => {
              props.onUnreadable(null);
              props.onChange(resetTo);
            }}
          />
        )}
        <Unit field={field} value={value} />
      </div>
      <div class="nbt-field-control">
        <Control {...props} />
        {children}
      </div>
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}

/** What the number counts; a share is read more easily as per cent. */
function Unit({ field, value }: { field: Field; value: Value }) {
  const words = useWords();
  if (field.unit === null) return null;
  const share = field.unit === "share" && typeof value === "number";
  return <span class="nbt-field-unit">{share ? words.percent(value) : words.t(`unit.${field.unit}`)}</span>;
}

function Control(props: FieldRowProps) {
  const { id, field, value, unreadable, problem, disabled = false, onChange, onUnreadable } = props;
  const words = useWords();
  const heard = [problem === undefined ? undefined : `${id}-problem`, props.describedBy].filter(Boolean).join(" ");
  const common = { id, disabled, invalid: problem !== undefined, ...(heard === "" ? {} : { describedBy: heard }) };
  if (props.draw) return <>{props.draw({ ...common, value, onChange })}</>;
  switch (field.type) {
    case "bool":
      return <Switch {...common} value={value === true} onChange={onChange} />;
    case "choice":
      return (
        <Choice
          {...common}
          value={String(value ?? "")}
          options={choiceOptions(field, words)}
          onChange={(chosen) => onChange(field.optional && chosen === "" ? null : chosen)}
        />
      );
    case "text":
      if (field.choices) {
        return (
          <Choice
            {...common}
            value={String(value ?? "")}
            options={choiceOptions(field, words)}
            onChange={(chosen) => onChange(field.optional && chosen === "" ? null : chosen)}
          />
        );
      }
      return (
        <TextInput
          {...common}
          value={String(value ?? "")}
          onChange={(text) => onChange(field.optional && text === "" ? null : text)}
        />
      );
    default: {
      const number = typeof value === "number" ? value : null;
      const scale = scaleOf(field);
      const change = (next: number | null): void => {
        onUnreadable(null);
        onChange(next);
      };
      return (
        <>
          {scale && (
            <Slider
              scale={scale}
              value={number}
              label={words.t(`option.${field.name}.label`)}
              text={valueText(field, value, words)}
              disabled={disabled}
              onChange={change}
            />
          )}
          <NumberInput
            {...common}
            value={number}
            unreadable={unreadable}
            optional={field.optional}
            step={stepOf(field, value)}
            placeholder={field.optional ? words.t("form.unset") : ""}
            onChange={change}
            onUnreadable={onUnreadable}
          />
        </>
      );
    }
  }
}

/** What the option does, what small, medium and large values (or each of the choices) mean, and where to start. */
function Advice({ field }: { field: Field }) {
  const words = useWords();
  const key = `option.${field.name}`;
  const sizes = ["small", "medium", "large"].filter((size) => words.has(`${key}.${size}`));
  const numeric = field.type === "int" || field.type === "float";
  return (
    <div class="nbt-advice">
      <p>{words.t(`${key}.help`)}</p>
      {numeric ? (
        <div class="nbt-advice-sizes">
          {sizes.map((size) => (
            <p key={size}>
              <span class="nbt-soft">{words.t(`advice.${size}`)}</span>
              <span>{words.t(`${key}.${size}`)}</span>
            </p>
          ))}
        </div>
      ) : (
        <ul>
          {sizes.map((size) => (
            <li key={size}>{words.t(`${key}.${size}`)}</li>
          ))}
        </ul>
      )}
      <p class="nbt-advice-foot">
        {field.recommended !== null && (
          <span>{words.t("advice.recommended", { value: valueText(field, field.recommended, words) })}</span>
        )}
        {numeric && field.min !== null && field.max !== null && (
          <span>
            {words.t("advice.range", {
              min: valueText(field, field.min, words),
              max: valueText(field, field.max, words),
            })}
          </span>
        )}
      </p>
    </div>
  );
}

function choiceOptions(field: Field, words: I18n) {
  const choices = (field.choices ?? []).map((value) => ({ value, label: choiceText(field.name, value, words) }));
  return field.optional ? [{ value: "", label: words.t("form.unset") }, ...choices] : choices;
}

function choiceText(option: string, value: string, words: I18n): string {
  const key = `choice.${option}.${value}`;
  return words.has(key) ? words.t(key) : value;
}

/** A value as it is read in a sentence. */
export function valueText(field: Field, value: Value, words: I18n): string {
  if (value === null) return words.t("form.unset");
  if (typeof value === "boolean") return words.t(value ? "form.on" : "form.off");
  if (typeof value === "number") return words.number(value, { maximumSignificantDigits: 12 });
  return field.choices ? choiceText(field.name, value, words) : value;
}
