import { useState } from "preact/hooks";
import { parseNumber } from "./parse";
import "./input.css";

export interface NumberInputProps {
  id: string;
  value: number | null;
  /** Text that was typed and is no number; it stands in the field until someone takes it back. */
  unreadable?: string | undefined;
  /** May be left empty, which means null. */
  optional?: boolean;
  /** What the arrow keys add. */
  step?: number;
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
  placeholder?: string;
  onChange(value: number | null): void;
  /** The text is no number (or empty where it must not be); called with the text, to be said beside the field. */
  onUnreadable(text: string): void;
}

/** A number field that keeps what is being typed; digits stay Latin and left to right, for they get copied. */
export function NumberInput(props: NumberInputProps) {
  const { id, value, unreadable, optional = false, step = 1, disabled, invalid, describedBy, placeholder } = props;
  // "0.10" or "1e-3" stand as typed while they mean the value; a preset or the slider overrides them.
  const [draft, setDraft] = useState("");
  const text = unreadable ?? (parseNumber(draft) === value ? draft : written(value));

  const change = (typed: string): void => {
    setDraft(typed);
    const parsed = parseNumber(typed);
    if (parsed !== null) props.onChange(parsed);
    else if (optional && typed.trim() === "") props.onChange(null);
    else props.onUnreadable(typed);
  };
  const nudge = (event: KeyboardEvent): void => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (direction === undefined || value === null) return;
    event.preventDefault();
    setDraft("");
    props.onChange(Number((value + direction * step).toPrecision(12)));
  };

  return (
    <input
      id={id}
      class="nbt-input nbt-input-number nbt-number"
      type="text"
      inputMode="decimal"
      dir="ltr"
      autocomplete="off"
      spellcheck={false}
      value={text}
      placeholder={placeholder}
      disabled={disabled}
      aria-invalid={invalid || undefined}
      aria-describedby={describedBy}
      onInput={(event) => change(event.currentTarget.value)}
      onKeyDown={nudge}
      onBlur={() => setDraft("")}
    />
  );
}

function written(value: number | null): string {
  return value === null ? "" : String(value);
}
