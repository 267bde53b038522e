import { useWords } from "../i18n";
import { Icon, type IconName } from "../icons";
import type { RunState, State } from "../wire";
import "./badge.css";

const ICONS: Record<State, IconName> = {
  preparing: "hourglass",
  running: "flame",
  paused: "pause",
  finished: "check",
  stopped: "stop",
  failed: "alert",
};

/** The run's state as icon and word, in the colour of its stage. */
export function StateBadge({ state }: { state: Pick<RunState, "state" | "stage"> }) {
  const words = useWords();
  return (
    <span class="nbt-badge" data-stage={state.state === "stopped" ? "paused" : state.stage}>
      <Icon name={ICONS[state.state]} />
      <span>{words.t(`state.${state.state}`)}</span>
    </span>
  );
}
