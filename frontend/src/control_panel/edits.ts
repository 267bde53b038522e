/** What was typed to change a run while it trains, as long as it is not applied. The form's draft holds it. */

import { useEffect } from "preact/hooks";
import { hasEnded } from "../shared/runs";
import type { Options, RunState, Value } from "../shared/wire";
import type { Change } from "./draft";

export interface Edits {
  /** Whose they are. */
  run: string;
  options: Options;
  /** Texts that are no numbers, by the field's name. */
  unreadable: Readonly<Record<string, string>>;
}

/** What stands in one field; undefined: what the run has. */
export interface Edit {
  value?: Value | undefined;
  unreadable?: string | undefined;
}

/** The edits of a run with this field as it is now; null where nothing is left. Those of another run go. */
export function withEdit(before: Edits | null, run: string, name: string, edit: Edit): Edits | null {
  const { options, unreadable } = before?.run === run ? before : { options: {}, unreadable: {} };
  const next = {
    run,
    options: set(options, name, edit.value),
    unreadable: set(unreadable, name, edit.unreadable),
  };
  return Object.keys({ ...next.options, ...next.unreadable }).length > 0 ? next : null;
}

export function editOf(edits: Edits | null, run: string, name: string): Edit {
  return edits?.run === run ? { value: edits.options[name], unreadable: edits.unreadable[name] } : {};
}

/** A run that ended, or is not on show any more, takes no change: what was typed beside it is dropped. */
export function useDropped(
  edits: Edits | null,
  states: ReadonlyMap<string, RunState>,
  ready: boolean,
  change: Change,
): void {
  const run = edits?.run;
  const state = run === undefined ? undefined : states.get(run);
  const over = run !== undefined && ready && (state === undefined || hasEnded(state));
  useEffect(() => {
    if (over) change(({ edits: now }) => ({ edits: now?.run === run ? null : now }));
  }, [over, run, change]);
}

function set<T>(all: Readonly<Record<string, T>>, name: string, value: T | undefined): Record<string, T> {
  const { [name]: _, ...rest } = all;
  return value === undefined ? rest : { ...rest, [name]: value };
}
