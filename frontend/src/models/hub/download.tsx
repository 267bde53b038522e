/** The way to have a model of the Hub: how much comes, and what must be allowed first. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { Bar } from "../../shared/work/task_card";
import type { Say } from "../../shared/work/toast";
import { isolated } from "../format";
import { type Downloads, isUnderway } from "../queue/use_downloads";
import type { HubFacts } from "../wire";

export interface DownloadProps {
  facts: HubFacts;
  downloads: Downloads;
  say: Say;
  onShow(model: string): void;
}

export function Download({ facts, downloads, say, onShow }: DownloadProps) {
  const words = useWords();
  const id = useUid();
  const [allowed, setAllowed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const repository = facts.row.id;
  const underway = downloads.all.find((each) => each.repository === repository && isUnderway(each));
  const begin = async (): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      await downloads.begin(repository, null, facts.remote_code && allowed);
      say(words.t("hub.said.downloading", { name: isolated(repository) }));
    } catch (error) {
      setProblem(errorText(error, words));
    } finally {
      setBusy(false);
    }
  };
  if (facts.problem) {
    return (
      <p class="nbt-hub-problem" role="status">
        <Icon name="alert" />
        <span dir="auto">{facts.problem}</span>
      </p>
    );
  }
  if (underway) {
    const { have, total } = underway;
    return (
      <div class="nbt-hub-coming">
        <Bar share={total > 0 ? have / total : null} label={words.t("task.download", { name: repository })} />
        <span class="nbt-soft nbt-number">
          {words.t("datasets.task.of", { done: words.bytes(have), total: words.bytes(total) })}
        </span>
      </div>
    );
  }
  const made = downloads.all.find((each) => each.repository === repository && each.model !== "")?.model;
  const nothing = facts.download === 0 && facts.have > 0;
  return (
    <div class="nbt-hub-get">
      {facts.remote_code && (
        <div class="nbt-hub-consent">
          <Icon name="alert" />
          <div>
            <p>{words.t("hub.code", { name: isolated(repository) })}</p>
            <label for={id}>
              <input
                id={id}
                type="checkbox"
                checked={allowed}
                onChange={(event) => setAllowed(event.currentTarget.checked)}
              />{" "}
              {words.t("hub.code.allow")}
            </label>
          </div>
        </div>
      )}
      <div class="nbt-hub-begin">
        {made !== undefined && <Button icon="cube" label={words.t("hub.show")} primary onClick={() => onShow(made)} />}
        <Button
          icon="download"
          label={words.t(nothing ? (made === undefined ? "hub.add" : "hub.add.again") : "hub.download", {
            size: words.bytes(facts.download),
          })}
          primary={made === undefined}
          disabled={facts.remote_code && !allowed}
          busy={busy}
          onClick={() => void begin()}
        />
        <span class="nbt-soft nbt-number">
          {nothing ? words.t("hub.have.all") : facts.have > 0 && words.t("hub.have", { size: words.bytes(facts.have) })}
        </span>
      </div>
      {problem && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
