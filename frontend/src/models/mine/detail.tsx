/** One model of the workspace: its name and actions, and below them its versions, a form to try it, and ways out. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { Tabs } from "../../shared/work/tabs";
import { TaskCard } from "../../shared/work/task_card";
import { isRunning, useAnswer, useEnded, useTask } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import { Try } from "../try/try";
import { Export } from "../version/export";
import { Push } from "../version/push";
import { Versions } from "../version/versions";
import type { ModelFacts } from "../wire";
import { Head } from "./head";
import "../model.css";

type Tab = "versions" | "try" | "export";

/** Kinds of work that the tab of exports shows itself. */
const SHOWN_THERE: ReadonlySet<string> = new Set(["model_export", "push"]);

/** Work that ends within this time does not push what stands below it up and down. */
const SOON_MS = 400;

export interface DetailProps {
  model: string;
  /** Those that there are, to choose from. */
  categories: readonly string[];
  say: Say;
  /** The list shows something else now. */
  onChanged(): void;
  onGone(): void;
  /** It is there again. */
  onBack(model: string): void;
}

export function Detail({ model, categories, say, onChanged, onGone, onBack }: DetailProps) {
  const words = useWords();
  const id = useUid();
  const facts = useAnswer<ModelFacts>((panel) => panel.rpc.request("facts", { model }), model);
  const [tab, setTab] = useState<Tab>("versions");
  const [number, setNumber] = useState<number | null>(null);
  useEnded((task) => {
    if (task.phase === "done" || Object.values(facts.value?.running ?? {}).includes(task.task)) void facts.reload();
  });
  const changed = async (): Promise<void> => {
    await facts.reload();
    onChanged();
  };
  if (!facts.value && facts.failure) {
    return (
      <div class="nbt-models-none" role="alert">
        <p dir="auto">{errorText(facts.failure, words)}</p>
        <Button icon="reset" label={words.t("button.retry")} onClick={() => void facts.reload()} />
      </div>
    );
  }
  if (!facts.value) {
    return (
      <p class="nbt-models-wait nbt-soft" role="status">
        <Icon name="hourglass" /> {words.t("models.loading")}
      </p>
    );
  }
  const { row, versions, running } = facts.value;
  const version = versions.find((each) => each.number === number) ?? versions[0];
  const chooser = { versions, version, onVersion: setNumber };
  return (
    <div class="nbt-model">
      <Head
        facts={facts.value}
        categories={categories}
        say={say}
        onChanged={changed}
        onGone={onGone}
        onBack={onBack}
        onTry={version?.tryable ? () => setTab("try") : undefined}
      />
      <Running
        tasks={Object.entries(running)
          .filter(([kind]) => !(tab === "export" && SHOWN_THERE.has(kind)))
          .map(([, task]) => task)}
      />
      <Tabs<Tab>
        id={id}
        label={words.t("models.tabs")}
        current={tab}
        onChoose={setTab}
        tabs={[
          { name: "versions", label: words.t("models.tab.versions"), icon: "list", count: versions.length },
          { name: "try", label: words.t("models.tab.try"), icon: "play" },
          { name: "export", label: words.t("models.tab.export"), icon: "upload" },
        ]}
      />
      <div class="nbt-model-body" id={`${id}-body`} role="tabpanel" aria-labelledby={`${id}-${tab}`}>
        {version && tab === "versions" && (
          <Versions {...chooser} version={version} model={row} say={say} onChanged={changed} onBegan={facts.reload} />
        )}
        {version && tab === "try" && <Try key={version.number} model={row.id} version={version} />}
        {version && tab === "export" && (
          <>
            <Export key={version.number} model={row} version={version} say={say} folder={facts.value.folder} />
            <Push key={`push-${version.number}`} model={row} version={version} say={say} />
          </>
        )}
      </div>
    </div>
  );
}

/** Work on this model that somebody began, here or elsewhere. */
function Running({ tasks }: { tasks: readonly string[] }) {
  return (
    <>
      {tasks.map((task) => (
        <RunningTask key={task} id={task} />
      ))}
    </>
  );
}

function RunningTask({ id }: { id: string }) {
  const task = useTask(id);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SOON_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!task || !isRunning(task) || !late) return null;
  return (
    <div class="nbt-model-running">
      <TaskCard task={task} />
    </div>
  );
}
