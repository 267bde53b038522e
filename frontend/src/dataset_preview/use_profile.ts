/** The profile of the table: known already, or made by a task once the first page is on show. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import type { TaskState } from "../shared/wire";
import type { Classes } from "./classes";
import type { ColumnProfile, Profile } from "./wire";

export interface ProfileState {
  profile: Profile | null;
  columns: ReadonlyMap<string, ColumnProfile>;
  /** The task that makes it, running or ended. */
  task: TaskState | undefined;
  running: boolean;
  /** Makes it (anew), with the classes of `target` and lengths in tokens of `tokenizer`. */
  make(target: string | null, tokenizer: string | null): void;
  cancel(): void;
}

/** With `begin`, the profile is made by itself where there is none. */
export function useProfile(begin: boolean, target: string | null, tokenizer: string | null): ProfileState {
  const { rpc, store, report } = usePanel();
  const tasks = useValue(store.tasks);
  const [profile, setProfile] = useState<Profile | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const begun = useRef(false);
  const task = asked === null ? undefined : tasks.get(asked);
  const running = asked !== null && (task === undefined || task.phase === "running");

  const read = useCallback(async (): Promise<Profile | null> => {
    const { profile } = await rpc.request<{ profile: Profile | null }>("profiled");
    if (profile) setProfile(profile);
    return profile;
  }, [rpc]);
  const make = useCallback(
    (target: string | null, tokenizer: string | null): void => {
      rpc.request<{ task: string }>("profile", { target, tokenizer }).then(({ task }) => setAsked(task), report);
    },
    [rpc, report],
  );
  useEffect(() => {
    if (!begin || begun.current) return;
    begun.current = true;
    read().then((known) => {
      if (!known) make(target, tokenizer);
    }, report);
  }, [begin, read, make, report, target, tokenizer]);
  useEffect(() => {
    if (task?.phase === "done") read().catch(report);
  }, [task?.phase, task?.task, read, report]);

  const columns = useMemo(() => new Map(profile?.columns.map((column) => [column.name, column])), [profile]);
  const cancel = (): void => {
    if (asked !== null) rpc.request("cancel", { task: asked }).catch(report);
  };
  return { profile, columns, task, running, make, cancel };
}

/** The classes of `target`, as far as the profile knows them; null when it must be made anew for them. */
export function classesOf(profile: Profile, target: string): Classes | null {
  const column = profile.columns.find(({ name }) => name === target);
  if (!column) return null;
  const { rows, missing, top } = column;
  const about = { column: target, missing, rows };
  if (profile.target === target) return { ...about, counts: profile.classes, others: profile.other_classes };
  const complete = top.reduce((sum, { count }) => sum + count, 0) === rows - missing;
  return complete ? { ...about, counts: top, others: 0 } : null;
}
