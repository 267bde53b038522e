import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../icons";
import "./button.css";

export interface ButtonProps {
  /** The word on it; with `iconOnly` it is the accessible name and the tooltip. */
  label: string;
  icon?: IconName;
  iconOnly?: boolean;
  /** The one main thing to do now. */
  primary?: boolean;
  /** Something is lost by it. */
  danger?: boolean;
  /** Without border, for things beside other things. */
  quiet?: boolean;
  disabled?: boolean;
  /** Waiting for an answer: not to be pressed again, and it says so. */
  busy?: boolean;
  pressed?: boolean;
  onClick(event: MouseEvent): void;
  children?: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { label, icon, iconOnly = false, primary, danger, quiet, disabled, busy, pressed, onClick, children } = props;
  const variants = { primary, danger, quiet, "icon-only": iconOnly, busy };
  const names = Object.entries(variants).flatMap(([name, on]) => (on ? [`nbt-button-${name}`] : []));
  return (
    <button
      type="button"
      class={["nbt-button", ...names].join(" ")}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      aria-pressed={pressed}
      aria-label={iconOnly ? label : undefined}
      title={iconOnly ? label : undefined}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {!iconOnly && <span>{label}</span>}
      {children}
    </button>
  );
}
