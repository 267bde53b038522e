/** The import of the table on show: offered, under way, or done under a name. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import type { TaskState } from "../shared/wire";

export interface ImportState {
  /** What the dataset is called, once it is there. */
  name: string | null;
  /** The task that imports it, running or ended. */
  task: TaskState | undefined;
  running: boolean;
  begin(): void;
  cancel(): void;
}

export function useImport(importable: boolean): ImportState {
  const { rpc, store, report } = usePanel();
  const tasks = useValue(store.tasks);
  const alive = useValue(rpc.alive);
  const [asked, setAsked] = useState<string | null>(null);
  const [name, setName] = useState<string | null>(null);
  const task = asked === null ? undefined : tasks.get(asked);
  const running = asked !== null && name === null && (task === undefined || task.phase === "running");

  const read = useCallback((): void => {
    rpc.request<{ task: string | null; name: string | null }>("imported").then(({ task, name }) => {
      setAsked(task);
      setName(name);
    }, report);
  }, [rpc, report]);
  // Another view of this panel may have begun it, or this page was loaded anew.
  useEffect(() => {
    if (importable && alive) read();
  }, [importable, alive, read]);
  useEffect(() => {
    if (task?.phase === "done") read();
  }, [task?.phase, task?.task, read]);

  const begin = (): void => {
    setName(null);
    rpc.request<{ task: string }>("import").then(({ task }) => setAsked(task), report);
  };
  const cancel = (): void => {
    if (asked !== null) rpc.request("cancel", { task: asked }).catch(report);
  };
  return { name, task, running, begin, cancel };
}
