/** Uploads and imports under way, and those that failed and wait for an answer. */

import { useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../panel";
import { useSetupTrait } from "../setup";
import { useValue } from "../signal";
import type { TaskState } from "../wire";
import { isRunning, useEnded } from "./tasks";
import { type ReadOptions, Upload } from "./upload";

const DEFAULT_CHUNK = 2 * 2 ** 20;

export interface Imports {
  /** How files are read from now on. */
  options: ReadOptions;
  setOptions(options: ReadOptions): void;
  uploads: readonly Upload[];
  /** Tasks under way that make something, oldest first. */
  running: readonly TaskState[];
  /** Imports that failed, newest first, until they are put away. */
  failed: readonly TaskState[];
  /** Sends files and imports each. */
  send(files: readonly File[]): void;
  /** Goes on with one that failed. */
  retry(upload: Upload): void;
  /** Takes one off the panel. */
  forget(upload: Upload): void;
  /** Waits for a task that makes something, and shows that. */
  follow(task: string): void;
  dismiss(task: string): void;
}

export interface Making {
  /** Kinds of the tasks that make it. */
  kinds: ReadonlySet<string>;
  /** The name of what `result` answers with. */
  what: "dataset" | "model";
  /** Ended tasks that somebody has put away. */
  dismissed: readonly string[];
  /** A task is done: the id of what it made, or null where it changed one; and the task's title. */
  onMade(id: string | null, title: string): void;
}

export function useImports({ kinds, what, dismissed, onMade }: Making): Imports {
  const panel = usePanel();
  const chunk = useSetupTrait<{ chunk: number }>()?.chunk ?? DEFAULT_CHUNK;
  const tasks = useValue(panel.store.tasks);
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const [options, setOptions] = useState<ReadOptions>({});
  const [away, setAway] = useState<ReadonlySet<string>>(new Set());
  const followed = useRef(new Set<string>());
  const made = useRef(onMade);
  made.current = onMade;

  const finish = async (task: string): Promise<void> => {
    if (!followed.current.delete(task)) return;
    const result = await panel.rpc.request<Record<string, string | null>>("result", { task });
    made.current(result[what] ?? null, panel.store.tasks.get().get(task)?.title ?? "");
  };
  useEnded((task) => {
    if (task.phase === "done") finish(task.task).catch(panel.report);
  });
  const follow = (task: string): void => {
    followed.current.add(task);
    // A short one may have ended before its answer came.
    if (panel.store.tasks.get().get(task)?.phase === "done") finish(task).catch(panel.report);
  };
  // One that nobody saw running is told as ended at once.
  useEffect(() => {
    for (const task of followed.current) {
      if (tasks.get(task)?.phase === "done") finish(task).catch(panel.report);
    }
  });

  const forget = (upload: Upload): void => setUploads((known) => known.filter((other) => other !== upload));
  // One after the other: the kernel has one queue.
  const run = async (waiting: readonly Upload[]): Promise<void> => {
    for (const upload of waiting) {
      const arrived = await upload.run();
      if (!arrived) continue;
      forget(upload);
      follow(arrived.task);
    }
  };
  const send = (files: readonly File[]): void => {
    const added = files.map((file) => new Upload(panel.rpc, file, options, chunk));
    setUploads((known) => [...known, ...added]);
    void run(added);
  };

  const all = [...tasks.values()].filter(({ kind }) => kinds.has(kind));
  const put = new Set([...dismissed, ...away]);
  return {
    options,
    setOptions,
    uploads,
    running: all.filter(isRunning),
    failed: all.filter(({ task, phase }) => phase === "failed" && !put.has(task)).reverse(),
    send,
    retry: (upload) => void run([upload]),
    forget,
    follow,
    dismiss(task) {
      setAway((known) => new Set([...known, task]));
      panel.rpc.request("dismiss", { task }).catch(panel.report);
    },
  };
}
