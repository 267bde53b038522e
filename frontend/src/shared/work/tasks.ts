/** Tasks as the kernel tells them, and answers that are asked for anew whenever some work has ended. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Panel, usePanel } from "../panel";
import { useValue } from "../signal";
import type { TaskState } from "../wire";

/** Calls `onEnd` for each task that ends while the panel looks, also for one that was too short to be seen running. */
export function useEnded(onEnd: (task: TaskState) => void): void {
  const { store } = usePanel();
  const tasks = useValue(store.tasks);
  const ready = useValue(store.ready);
  const known = useRef<ReadonlySet<string> | null>(null);
  const latest = useRef(onEnd);
  latest.current = onEnd;
  useEffect(() => {
    if (!ready) return;
    const ended = [...tasks.values()].filter((task) => !isRunning(task));
    const before = known.current;
    known.current = new Set(ended.map(({ task }) => task));
    if (before) for (const task of ended) if (!before.has(task.task)) latest.current(task);
  }, [tasks, ready]);
}

/** Calls `onEnd` once when this task has ended, whichever comes first: its end, or the answer that names it. */
export function useOutcome(id: string | undefined, onEnd: (task: TaskState) => void): TaskState | undefined {
  const task = useTask(id);
  const told = useRef<string | undefined>(undefined);
  const latest = useRef(onEnd);
  latest.current = onEnd;
  useEffect(() => {
    if (!task || isRunning(task) || told.current === task.task) return;
    told.current = task.task;
    latest.current(task);
  }, [task]);
  return task;
}

export function isRunning(task: TaskState): boolean {
  return task.phase === "running";
}

export interface Known<T> {
  /** Null until the kernel has answered. */
  value: T | null;
  /** Why there is no answer, as far as it is known; the panel has said it. */
  failure?: unknown;
  /** Asks again; resolves with the answer, or null where there was none. */
  reload(): Promise<T | null>;
}

/** The answer to a request, asked again when a task has ended or the kernel is back; an older answer never counts. */
export function useAnswer<T>(ask: ((panel: Panel) => Promise<T>) | null, key: string): Known<T> {
  const panel = usePanel();
  const alive = useValue(panel.rpc.alive);
  const [answer, setAnswer] = useState<{ key: string; value: T } | null>(null);
  const [failed, setFailed] = useState<{ key: string; error: unknown } | null>(null);
  const newest = useRef(0);
  const latest = useRef(ask);
  latest.current = ask;
  const reload = useCallback(async () => {
    const mine = ++newest.current;
    const asked = latest.current;
    if (!asked) return null;
    try {
      const value = await asked(panel);
      if (mine === newest.current) {
        setAnswer({ key, value });
        setFailed(null);
      }
      return value;
    } catch (error) {
      if (mine === newest.current) {
        panel.report(error);
        setFailed({ key, error });
      }
      return null;
    }
  }, [panel, key]);
  useEffect(() => {
    if (alive) void reload();
  }, [alive, reload]);
  return {
    value: answer?.key === key ? answer.value : null,
    failure: failed?.key === key ? failed.error : null,
    reload,
  };
}

/** A list as old as this is asked for anew when somebody comes to it: a cell may have made or deleted something. */
const OLD_AFTER_MS = 2000;

/** To be called when the pointer or the focus comes to the panel. */
export function useFresh<T>(list: Known<T>): () => void {
  const asked = useRef(Date.now());
  return () => {
    if (list.value === null || Date.now() - asked.current < OLD_AFTER_MS) return;
    asked.current = Date.now();
    void list.reload();
  };
}

/** A task by its id, as it was told last. */
export function useTask(id: string | undefined): TaskState | undefined {
  const { store } = usePanel();
  const tasks = useValue(store.tasks);
  return id === undefined ? undefined : tasks.get(id);
}
