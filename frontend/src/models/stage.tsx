/** How far a version has come, as icon and word. */

import { useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import type { Stage } from "./wire";

export const STAGES: readonly Stage[] = ["none", "staging", "production", "archived"];

const ICONS: Record<Stage, IconName> = { none: "file", staging: "hourglass", production: "check", archived: "disk" };

export function StageBadge({ stage }: { stage: Stage }) {
  const words = useWords();
  return (
    <span class="nbt-stage" data-stage-of={stage}>
      <Icon name={ICONS[stage] ?? "file"} size={14} />
      <span>{words.t(`stage.${stage}`)}</span>
    </span>
  );
}
