import "./input.css";

export interface SwitchProps {
  id: string;
  value: boolean;
  disabled?: boolean;
  describedBy?: string;
  onChange(value: boolean): void;
}

export function Switch({ id, value, disabled, describedBy, onChange }: SwitchProps) {
  return (
    <input
      id={id}
      class="nbt-switch"
      type="checkbox"
      role="switch"
      checked={value}
      aria-checked={value}
      aria-describedby={describedBy}
      disabled={disabled}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}
