/** The queue of downloads: how far each is, and what can be done with it. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { type I18n, useWords } from "../../shared/i18n";
import { Icon, type IconName } from "../../shared/icons";
import { errorText } from "../../shared/panel";
import { Bar } from "../../shared/work/task_card";
import { ALLOWED } from "../add/failed";
import { joined } from "../format";
import type { DownloadView } from "../wire";
import { type Downloads, isUnderway } from "./use_downloads";
import "./queue.css";

const ICONS: Readonly<Record<string, IconName>> = {
  waiting: "hourglass",
  running: "download",
  stopped: "pause",
  done: "check",
  failed: "alert",
};

export interface QueueProps {
  downloads: Downloads;
  onShow(model: string): void;
  onClose(): void;
}

export function Queue({ downloads, onShow, onClose }: QueueProps) {
  const words = useWords();
  return (
    <section
      class="nbt-queue"
      aria-label={words.t("models.queue")}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header class="nbt-queue-head">
        <h3>{words.t("models.queue")}</h3>
        <Button icon="close" iconOnly quiet label={words.t("models.close")} onClick={onClose} />
      </header>
      {downloads.all.length === 0 && <p class="nbt-soft">{words.t("models.queue.empty")}</p>}
      <ul>
        {downloads.all.map((download) => (
          <Entry key={download.id} download={download} downloads={downloads} onShow={onShow} />
        ))}
      </ul>
    </section>
  );
}

interface EntryProps {
  download: DownloadView;
  downloads: Downloads;
  onShow(model: string): void;
}

function Entry({ download, downloads, onShow }: EntryProps) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  const act = async (what: (download: DownloadView) => Promise<void>): Promise<void> => {
    setBusy(true);
    setRefused("");
    try {
      await what(download);
    } catch (error) {
      setRefused(errorText(error, words));
    } finally {
      setBusy(false);
    }
  };
  const { repository, have, total, phase, model, question } = download;
  const allowed = ALLOWED[question];
  const underway = isUnderway(download);
  return (
    <li class="nbt-download" data-phase={phase}>
      <Icon name={ICONS[phase] ?? "download"} />
      <span class="nbt-download-name" dir="ltr" title={repository}>
        {repository}
      </span>
      <span class="nbt-download-actions">
        {underway && (
          <Button label={words.t("models.queue.stop")} busy={busy} onClick={() => void act(downloads.stop)} />
        )}
        {(phase === "stopped" || phase === "failed") && (
          <Button
            icon={allowed ? undefined : "play"}
            label={words.t(allowed ? `models.ask.${question}.yes` : "models.queue.resume")}
            busy={busy}
            onClick={() => void act((each) => downloads.resume(each, allowed))}
          />
        )}
        {phase === "done" && model !== "" && (
          <Button label={words.t("models.queue.show")} onClick={() => onShow(model)} />
        )}
        {!underway && (
          <Button
            icon="trash"
            iconOnly
            quiet
            label={words.t(phase === "done" ? "models.queue.forget" : "models.queue.drop", { name: repository })}
            busy={busy}
            onClick={() => void act(downloads.drop)}
          />
        )}
      </span>
      {phase !== "done" && <Bar share={total > 0 ? have / total : null} label={repository} />}
      <p class="nbt-download-facts nbt-number nbt-soft">{factsOf(download, words)}</p>
      {(download.error || refused) && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {refused || download.error}
        </p>
      )}
      {allowed && <p class="nbt-download-facts nbt-soft">{words.t(`models.ask.${question}.help`)}</p>}
    </li>
  );
}

/** `12 MiB of 200 MiB · 3 MiB a second · 1m left`. */
function factsOf({ phase, have, total, speed, left }: DownloadView, words: I18n): string {
  const amount =
    total > 0 ? words.t("datasets.task.of", { done: words.bytes(have), total: words.bytes(total) }) : words.bytes(have);
  if (phase === "done") return joined(words.t("models.queue.phase.done"), words.bytes(total));
  if (phase !== "running") return joined(words.t(`models.queue.phase.${phase}`), amount);
  return joined(
    amount,
    speed !== null && words.t("models.queue.speed", { rate: words.bytes(speed) }),
    left !== null && words.t("models.queue.left", { time: words.duration(left) }),
  );
}
