/** A model of the Hub before it is downloaded: what it is, whether it fits, its card and its files. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { type I18n, useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { Tabs } from "../../shared/work/tabs";
import type { Say } from "../../shared/work/toast";
import { Files } from "../files";
import { ago, isolated, parameters, short, taskText } from "../format";
import type { Downloads } from "../queue/use_downloads";
import type { HubFacts } from "../wire";
import { Blocks } from "./card";
import { Download } from "./download";
import { languageName } from "./filters";
import { Fit, type Training, Verdicts } from "./fit";
import { Gated } from "./row";
import "../model.css";

type Tab = "card" | "fit" | "files";

const PLAIN: Training = { optimizer: "adamw", mixed_precision: "off", batch_size: 8 };
/** Languages that are named; of a hundred the rest are counted. */
const NAMED = 6;

export interface DetailProps {
  repository: string;
  downloads: Downloads;
  say: Say;
  onShow(model: string): void;
}

export function Detail({ repository, downloads, say, onShow }: DetailProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [facts, setFacts] = useState<HubFacts | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [training, setTraining] = useState(PLAIN);
  const [attempt, setAttempt] = useState(0);
  const [tab, setTab] = useState<Tab>("card");
  const newest = useRef(0);
  const here = downloads.here.has(repository);
  // What is known stays in sight while the same is asked for another way of training.
  useEffect(() => {
    const mine = ++newest.current;
    rpc.request<HubFacts>("hub_facts", { repository, revision: null, training }).then(
      (answer) => {
        if (mine !== newest.current) return;
        setFacts(answer);
        setFailure(null);
      },
      (error: unknown) => mine === newest.current && setFailure(error),
    );
    return () => {
      newest.current += 1;
    };
  }, [rpc, repository, training, attempt, here]);
  const problem = failure !== null && (
    <div class="nbt-models-none" role="alert">
      <p dir="auto">{errorText(failure, words)}</p>
      <Button icon="reset" label={words.t("button.retry")} onClick={() => setAttempt(attempt + 1)} />
    </div>
  );
  return (
    <div class="nbt-model">
      <header class="nbt-model-head">
        <h2 class="nbt-hub-title" dir="ltr" title={repository}>
          {repository}
        </h2>
        {problem}
        {!facts && !problem && (
          <p class="nbt-soft" role="status">
            <Icon name="hourglass" /> {words.t("models.loading")}
          </p>
        )}
        {facts && (
          <>
            <p class="nbt-model-facts">
              {factsOf(facts, words).map((fact) => (
                <span key={fact} class="nbt-number">
                  <bdi>{fact}</bdi>
                </span>
              ))}
              {facts.row.gated !== "" && (
                <span>
                  <Gated gated={facts.row.gated} />
                </span>
              )}
            </p>
            {facts.note && (
              <p class="nbt-hub-note">
                <Icon name="plug" size={14} />
                <span dir="auto">{facts.note}</span>
              </p>
            )}
            <Verdicts fit={facts.fit} />
            <Download facts={facts} downloads={downloads} say={say} onShow={onShow} />
          </>
        )}
      </header>
      {facts && (
        <>
          <Tabs<Tab>
            id={id}
            label={words.t("models.tabs")}
            current={tab}
            onChoose={setTab}
            tabs={[
              { name: "card", label: words.t("hub.tab.card"), icon: "text" },
              { name: "fit", label: words.t("hub.tab.fit"), icon: "memory" },
              { name: "files", label: words.t("hub.tab.files"), icon: "file", count: facts.files.length },
            ]}
          />
          <div class="nbt-model-body" id={`${id}-body`} role="tabpanel" aria-labelledby={`${id}-${tab}`}>
            {tab === "card" && <Blocks blocks={facts.card} tags={facts.tags} />}
            {tab === "fit" && <Fit fit={facts.fit} training={training} onTraining={setTraining} />}
            {tab === "files" && (
              <div class="nbt-hub-files">
                <p class="nbt-soft">
                  {words.t("hub.commit", {
                    revision: isolated(facts.revision),
                    commit: isolated(facts.commit.slice(0, 7)),
                  })}
                </p>
                <Files files={facts.files} />
              </div>
            )}
          </div>
        </>
      )}
    </div>
  );
}

function factsOf({ row, architecture, precision }: HubFacts, words: I18n): string[] {
  const languages = row.languages.slice(0, NAMED).map((code) => languageName(code, words));
  const rest = row.languages.length - languages.length;
  return [
    row.task && taskText(row.task, words),
    parameters(row.parameters, words),
    precision,
    architecture,
    row.library,
    row.licence && words.t("hub.licence", { name: isolated(row.licence) }),
    [
      new Intl.ListFormat(words.language, { style: "narrow" }).format(languages),
      rest > 0 && words.t("hub.more_languages", { count: rest }),
    ]
      .filter(Boolean)
      .join(" "),
    row.updated !== null && words.t("hub.updated", { when: ago(row.updated, words) }),
    row.downloads !== null && words.t("hub.downloads.short", { number: short(row.downloads, words) }),
  ].filter((fact): fact is string => typeof fact === "string" && fact !== "");
}
