/** Work that is under way: what, how far, how long still, and a way to call it off. */

import { useState } from "preact/hooks";
import { Button } from "../controls/button";
import { type I18n, useWords } from "../i18n";
import { usePanel } from "../panel";
import type { TaskState } from "../wire";
import "./task_card.css";

export interface BarProps {
  /** 0–1, or null while nobody can say. */
  share: number | null;
  label: string;
}

export function Bar({ share, label }: BarProps) {
  const words = useWords();
  const part = share === null ? null : Math.min(1, Math.max(0, share));
  return (
    <div
      class={part === null ? "nbt-task-bar nbt-task-bar-unknown" : "nbt-task-bar"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={part === null ? undefined : Math.round(part * 100)}
      aria-valuetext={part === null ? words.t("datasets.task.running") : words.percent(part)}
    >
      <div style={part === null ? {} : { inlineSize: `${part * 100}%` }} />
    </div>
  );
}

export function shareOf(task: TaskState): number | null {
  if (task.unit === "" && task.total === null) return task.done > 0 && task.done <= 1 ? task.done : null;
  return task.total === null || task.total <= 0 ? null : task.done / task.total;
}

/** `12 MiB of 200 MiB`, `3,000 rows`, `40%`. */
export function progressText(task: TaskState, words: I18n): string {
  const share = shareOf(task);
  if (task.unit === "") return share === null ? "" : words.percent(share);
  const amount = (value: number): string =>
    task.unit === "bytes" ? words.bytes(value) : words.t("datasets.rows", { count: Math.round(value) });
  if (task.total === null) return task.done > 0 ? amount(task.done) : "";
  return words.t("datasets.task.of", { done: amount(task.done), total: amount(task.total) });
}

export interface TaskCardProps {
  task: TaskState;
}

export function TaskCard({ task }: TaskCardProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [asked, setAsked] = useState(false);
  const title = words.t(`task.${task.kind}`, { name: task.title });
  const cancel = (): void => {
    setAsked(true);
    rpc.request("cancel", { task: task.task }).catch((error: unknown) => {
      setAsked(false);
      report(error);
    });
  };
  return (
    <div class="nbt-task">
      <div class="nbt-task-head">
        <span class="nbt-task-title" dir="auto" title={title}>
          {title}
        </span>
        <Button
          label={words.t(asked ? "datasets.task.cancelling" : "button.cancel")}
          quiet
          busy={asked}
          onClick={cancel}
        />
      </div>
      <Bar share={shareOf(task)} label={title} />
      <p class="nbt-task-foot nbt-number">
        <span>{progressText(task, words)}</span>
        <span>{task.seconds >= 1 && words.duration(task.seconds)}</span>
      </p>
    </div>
  );
}
