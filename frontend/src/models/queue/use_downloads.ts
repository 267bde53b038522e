/** The downloads of the workspace: asked for once a second while one is under way. */

import { useEffect } from "preact/hooks";
import { usePanel } from "../../shared/panel";
import { useValue } from "../../shared/signal";
import type { TaskState } from "../../shared/wire";
import { useAnswer, useEnded } from "../../shared/work/tasks";
import type { DownloadView } from "../wire";

const EVERY_MS = 1000;

export interface Downloads {
  /** Newest first. */
  all: readonly DownloadView[];
  /** Those that wait or run. */
  underway: number;
  /** Repositories that became models. */
  here: ReadonlySet<string>;
  begin(repository: string, revision: string | null, trustRemoteCode: boolean): Promise<void>;
  stop(download: DownloadView): Promise<void>;
  /** Go on, with more allowed. */
  resume(download: DownloadView, options?: Record<string, boolean>): Promise<void>;
  drop(download: DownloadView): Promise<void>;
}

export function isUnderway({ phase }: DownloadView): boolean {
  return phase === "waiting" || phase === "running";
}

/** `onEnd` hears of each that ended, with what became of it. */
export function useDownloads(onEnd: (task: TaskState, download: DownloadView | undefined) => void): Downloads {
  const { rpc, store } = usePanel();
  const tasks = useValue(store.tasks);
  const known = useAnswer<{ downloads: DownloadView[] }>((panel) => panel.rpc.request("downloads"), "downloads");
  const all = [...(known.value?.downloads ?? [])].reverse();
  const moving = all.some(isUnderway);
  const begun = [...tasks.values()].filter(({ kind, phase }) => kind === "download" && phase === "running").length;
  useEnded((task) => {
    if (task.kind !== "download") return;
    known.reload().then((answer) =>
      onEnd(
        task,
        answer?.downloads.find((each) => each.task === task.task),
      ),
    );
  });
  // One that another cell or kernel has begun shows too.
  useEffect(() => void (begun > 0 && known.reload()), [begun]);
  useEffect(() => {
    if (!moving) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    const again = async (): Promise<void> => {
      await known.reload();
      timer = setTimeout(() => void again(), EVERY_MS);
    };
    timer = setTimeout(() => void again(), EVERY_MS);
    return () => clearTimeout(timer);
  }, [moving, known.reload]);
  const ask = async (kind: string, fields: Record<string, unknown>): Promise<void> => {
    await rpc.request(kind, fields);
    await known.reload();
  };
  return {
    all,
    underway: all.filter(isUnderway).length,
    here: new Set(all.filter(({ phase }) => phase === "done").map(({ repository }) => repository)),
    begin: (repository, revision, trust) => ask("download", { repository, revision, trust_remote_code: trust }),
    stop: ({ id }) => ask("stop_download", { download: id }),
    resume: ({ id }, options = {}) => ask("resume_download", { download: id, options }),
    drop: ({ id }) => ask("drop_download", { download: id }),
  };
}
