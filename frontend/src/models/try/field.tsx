/** One input of *Try it*. */

import { Choice } from "../../shared/controls/choice";
import { Switch } from "../../shared/controls/switch";
import { useWords } from "../../shared/i18n";
import { useUid } from "../../shared/uid";
import type { TryField } from "../wire";
import type { Value } from "./values";

export interface FieldProps {
  field: TryField;
  value: Value;
  problem: string | undefined;
  onChange(value: Value): void;
}

export function Field({ field, value, problem, onChange }: FieldProps) {
  const words = useWords();
  const id = useUid();
  return (
    <div class={`nbt-try-field nbt-try-${field.type}`}>
      <label for={id} dir="auto">
        {field.name}
      </label>
      <Input id={id} field={field} value={value} invalid={problem !== undefined} onChange={onChange} />
      {field.type === "series" && field.rows > 0 && (
        <p class="nbt-soft nbt-out-help">{words.t("try.series.help", { count: field.rows })}</p>
      )}
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}

interface InputProps {
  id: string;
  field: TryField;
  value: Value;
  invalid: boolean;
  onChange(value: Value): void;
}

function Input({ id, field, value, invalid, onChange }: InputProps) {
  const said = { "aria-invalid": invalid || undefined, "aria-describedby": invalid ? `${id}-problem` : undefined };
  switch (field.type) {
    case "switch":
      return <Switch id={id} value={value === true} onChange={onChange} />;
    case "choice":
      return (
        <Choice
          id={id}
          value={String(value)}
          options={field.choices.map((choice) => ({ value: choice, label: choice }))}
          invalid={invalid}
          onChange={onChange}
        />
      );
    case "file":
      return (
        <input
          id={id}
          class="nbt-try-pick"
          type="file"
          accept={field.accept || undefined}
          {...said}
          onChange={(event) => onChange(event.currentTarget.files?.[0] ?? null)}
        />
      );
    case "number":
      return (
        <input
          id={id}
          class="nbt-input nbt-input-number nbt-number"
          type="text"
          inputMode="decimal"
          dir="ltr"
          autocomplete="off"
          value={String(value ?? "")}
          {...said}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <textarea
          id={id}
          class="nbt-input"
          dir={field.type === "series" ? "ltr" : "auto"}
          rows={3}
          value={String(value ?? "")}
          {...said}
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !(event.ctrlKey || event.metaKey)) event.stopPropagation();
          }}
        />
      );
  }
}
