import { fromStop, type Scale, stops, toStop } from "./scale";
import "./input.css";

export interface SliderProps {
  scale: Scale;
  value: number | null;
  /** The accessible name: the number field beside it has the visible label. */
  label: string;
  /** How the value is read out. */
  text: string;
  disabled?: boolean;
  onChange(value: number): void;
}

export function Slider({ scale, value, label, text, disabled, onChange }: SliderProps) {
  const count = stops(scale);
  const at = value === null ? 0 : toStop(scale, value);
  return (
    <input
      class={value === null ? "nbt-slider nbt-slider-unset" : "nbt-slider"}
      type="range"
      min={0}
      max={count}
      step={1}
      value={at}
      style={{ "--nbt-fill": `${(at / count) * 100}%` }}
      disabled={disabled}
      aria-label={label}
      aria-valuetext={text}
      onInput={(event) => onChange(fromStop(scale, event.currentTarget.valueAsNumber))}
    />
  );
}
