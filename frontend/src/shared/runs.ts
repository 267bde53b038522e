/** Which of the runs a panel knows of it shows. */

import type { RunState, State } from "./wire";

const ENDED: ReadonlySet<State> = new Set(["finished", "stopped", "failed"]);

export function hasEnded({ state }: Pick<RunState, "state">): boolean {
  return ENDED.has(state);
}

/** The run that was asked for, else the newest that still trains, else the newest. */
export function shownRun(states: ReadonlyMap<string, RunState>, wanted: string | null): RunState | undefined {
  const known = [...states.values()];
  return known.find(({ run }) => run === wanted) ?? known.findLast((state) => !hasEnded(state)) ?? known.at(-1);
}
