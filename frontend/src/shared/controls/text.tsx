import "./input.css";

export interface TextInputProps {
  id: string;
  value: string;
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
  /** The accessible name where no visible label points here. */
  label?: string;
  onChange(value: string): void;
}

/** Text that Python will read: names and patterns, so left to right. */
export function TextInput({ id, value, disabled, invalid, describedBy, label, onChange }: TextInputProps) {
  return (
    <input
      id={id}
      class="nbt-input"
      type="text"
      dir="ltr"
      autocomplete="off"
      spellcheck={false}
      value={value}
      disabled={disabled}
      aria-invalid={invalid || undefined}
      aria-describedby={describedBy}
      aria-label={label}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
