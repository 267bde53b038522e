/** The form that grows out of the schema: presets, then collapsed groups of fields. */

import { useState } from "preact/hooks";
import { Tooltip } from "../controls/tooltip";
import { useWords } from "../i18n";
import { Icon } from "../icons";
import type { Field, Options, Preset, Value } from "../wire";
import { type Draw, FieldRow } from "./field";
import { type Group, groupsOf, isVisible, presetOf, presetsOf, presetValues, RECIPE, startValues } from "./model";
import "./form.css";
import { useUid } from "../uid";

/** What is wrong, by the field's name. */
export type Problems = Readonly<Record<string, string>>;

export interface FormProps {
  fields: readonly Field[];
  presets: readonly Preset[];
  values: Options;
  /** Texts that are no numbers, by the field's name. */
  unreadable: Readonly<Record<string, string>>;
  problems: Problems;
  /** By the field's name. */
  draws?: Readonly<Record<string, Draw>>;
  onChange(values: Options): void;
  onUnreadable(name: string, text: string | null): void;
}

export function Form(props: FormProps) {
  const { fields, values, onChange, onUnreadable } = props;
  const defaults = startValues(fields);
  const presets = presetsOf(props.presets, values);
  const groups = groupsOf(
    fields.filter(({ name }) => name !== RECIPE),
    values,
  );
  return (
    <div class="nbt-form">
      {presets.length > 0 && (
        <Presets
          presets={presets}
          chosen={presetOf(fields, presets, values)?.name ?? null}
          onChoose={(preset) => {
            for (const field of fields) onUnreadable(field.name, null);
            onChange(presetValues(fields, preset, values));
          }}
        />
      )}
      {groups.map((group, index) => (
        <GroupSection
          key={group.name}
          group={group}
          startOpen={index === 0 || group.own}
          values={values}
          unreadable={props.unreadable}
          defaults={defaults}
          problems={props.problems}
          draws={props.draws ?? {}}
          onChange={(name, value) => onChange({ ...values, [name]: value })}
          onUnreadable={onUnreadable}
        />
      ))}
    </div>
  );
}

interface PresetsProps {
  presets: readonly Preset[];
  chosen: string | null;
  onChoose(preset: Preset): void;
}

function Presets({ presets, chosen, onChoose }: PresetsProps) {
  const words = useWords();
  const name = useUid();
  const sorted = [...presets].sort((a, b) => Number(b.recommended) - Number(a.recommended));
  return (
    <fieldset class="nbt-presets">
      <legend>{words.t("form.presets")}</legend>
      {sorted.map((preset) => {
        const own = preset.name === RECIPE;
        const label = words.t(own ? "form.own" : `preset.${preset.name}`);
        return (
          <div key={preset.name} class="nbt-preset">
            <label>
              <input
                type="radio"
                name={name}
                value={preset.name}
                checked={preset.name === chosen}
                onChange={() => onChoose(preset)}
              />
              <span class="nbt-preset-name">{label}</span>
              {preset.recommended && <span class="nbt-preset-mark">{words.t("form.recommended")}</span>}
            </label>
            <Tooltip label={words.t("form.explain", { option: label })}>
              {words.t(own ? "form.own.help" : `preset.${preset.name}.help`)}
            </Tooltip>
          </div>
        );
      })}
    </fieldset>
  );
}

interface GroupSectionProps {
  group: Group;
  startOpen: boolean;
  values: Options;
  unreadable: Readonly<Record<string, string>>;
  defaults: Options;
  problems: Problems;
  draws: Readonly<Record<string, Draw>>;
  onChange(name: string, value: Value): void;
  onUnreadable(name: string, text: string | null): void;
}

function GroupSection(props: GroupSectionProps) {
  const { group, startOpen, values, unreadable, defaults, problems, draws, onChange, onUnreadable } = props;
  const words = useWords();
  const id = useUid();
  const [open, setOpen] = useState<boolean | null>(null);
  const [more, setMore] = useState(false);
  const visible = group.fields.filter((field) => isVisible(field, values));
  if (visible.length === 0) return null;
  const hasBasic = visible.some((field) => !field.advanced);
  const all = more || !hasBasic;
  const wrong = visible.filter((field) => problems[field.name] !== undefined);
  const changed = visible.filter((field) => values[field.name] !== defaults[field.name]);
  // A wrong field is never out of sight, and one that was changed stays in sight.
  const held = (field: Field): boolean => wrong.includes(field) || changed.includes(field);
  const shown = visible.filter((field) => all || !field.advanced || held(field));
  const isOpen = (open ?? (startOpen && hasBasic)) || wrong.length > 0;
  return (
    <section class="nbt-group">
      <h3>
        <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
          <Icon name="chevron" />
          <span>{words.t(`group.${group.name}`)}</span>
          {changed.length > 0 && (
            <span class="nbt-group-changed">{words.t("form.changed", { count: changed.length })}</span>
          )}
        </button>
      </h3>
      <div id={id} class="nbt-group-fields" hidden={!isOpen}>
        {isOpen &&
          shown.map((field) => (
            <FieldRow
              key={field.name}
              id={`${id}-${field.name}`}
              field={field}
              value={values[field.name] ?? null}
              unreadable={unreadable[field.name]}
              problem={problems[field.name]}
              draw={draws[field.name]}
              resetTo={defaults[field.name] ?? null}
              onChange={(value) => onChange(field.name, value)}
              onUnreadable={(text) => onUnreadable(field.name, text)}
            />
          ))}
        {hasBasic && visible.some((field) => field.advanced && !held(field)) && (
          <button type="button" class="nbt-link" aria-expanded={all} onClick={() => setMore(!more)}>
            {words.t(all ? "form.fewer" : "form.more")}
          </button>
        )}
      </div>
    </section>
  );
}
