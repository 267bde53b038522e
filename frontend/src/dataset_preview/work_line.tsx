/** One line about work under way: how far it is, and a way to call it off; or why it ended, and a way to begin anew. */

import type { ComponentChildren } from "preact";
import { Button } from "../shared/controls/button";
import { Icon } from "../shared/icons";

export interface WorkLineProps {
  /** 0–1, or null while nobody can say. */
  share: number | null;
  text: string;
  cancel: string;
  onCancel(): void;
}

export function WorkLine({ share, text, cancel, onCancel }: WorkLineProps) {
  return (
    <div class="nbt-profile-line" role="status">
      <span class="nbt-profile-track" aria-hidden="true">
        <span
          class={share === null ? "nbt-profile-unknown" : undefined}
          style={share === null ? undefined : { inlineSize: `${share * 100}%` }}
        />
      </span>
      <span dir="auto">{text}</span>
      <Button label={cancel} quiet onClick={onCancel} />
    </div>
  );
}

export interface EndLineProps {
  text: string;
  /** Nothing went wrong. */
  good?: boolean;
  children?: ComponentChildren;
}

export function EndLine({ text, good = false, children }: EndLineProps) {
  return (
    <div class="nbt-profile-line" role="status">
      {good && <Icon name="check" size={14} />}
      <span dir="auto">{text}</span>
      {children}
    </div>
  );
}
