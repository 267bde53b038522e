import "./input.css";

export interface ChoiceProps {
  id: string;
  value: string;
  options: readonly { value: string; label: string }[];
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
  /** The accessible name where no visible label points here. */
  label?: string;
  onChange(value: string): void;
}

export function Choice({ id, value, options, disabled, invalid, describedBy, label, onChange }: ChoiceProps) {
  return (
    <span class="nbt-choice">
      <select
        id={id}
        class="nbt-input"
        value={value}
        disabled={disabled}
        aria-invalid={invalid || undefined}
        aria-describedby={describedBy}
        aria-label={label}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </span>
  );
}
