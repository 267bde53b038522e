/** The model browser: the models of the workspace, those of the Hub, and the queue of downloads between them. */

import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import { Tabs } from "../shared/work/tabs";
import { TaskCard } from "../shared/work/task_card";
import { useAnswer, useEnded, useFresh } from "../shared/work/tasks";
import { Toast, useToast } from "../shared/work/toast";
import { UploadCard } from "../shared/work/upload_card";
import { useDrop } from "../shared/work/use_drop";
import { useImports } from "../shared/work/use_imports";
import { AddModel } from "./add/add_model";
import { isolated } from "./format";
import { Hub } from "./hub/hub";
import { useSearch } from "./hub/use_search";
import { Mine } from "./mine/mine";
import { Queue } from "./queue/queue";
import { useDownloads } from "./queue/use_downloads";
import { useModels } from "./use_models";
import type { ModelFacts, UploadView } from "./wire";
import "./models.css";

type Side = "mine" | "hub";

/** Kinds of tasks that end in a model and began with a file. */
const IMPORTING: ReadonlySet<string> = new Set(["model_import"]);

interface Arriving {
  uploads: UploadView[];
  dismissed: string[];
}

export function Models() {
  const panel = usePanel();
  const words = useWords();
  const id = useUid();
  const ready = useValue(panel.store.ready);
  const [side, setSide] = useState<Side>("mine");
  const [visited, setVisited] = useState(false);
  const [adding, setAdding] = useState(false);
  const [queue, setQueue] = useState(false);
  const [model, setModel] = useState<string | null>(null);
  const [repository, setRepository] = useState<string | null>(null);
  const toast = useToast();
  const found = useModels();
  const search = useSearch(visited);
  const arriving = useAnswer<Arriving>(({ rpc }) => rpc.request("uploads"), "uploads");
  const refresh = useFresh({
    value: found.pages.newest,
    reload: async () => {
      found.pages.refresh();
      return found.pages.newest;
    },
  });
  const show = (chosen: string): void => {
    setModel(chosen);
    setSide("mine");
    setAdding(false);
    setQueue(false);
  };
  const imports = useImports({
    kinds: IMPORTING,
    what: "model",
    dismissed: arriving.value?.dismissed ?? [],
    onMade(made, title) {
      if (made === null) return;
      show(made);
      panel.rpc.request<ModelFacts>("facts", { model: made }).then(
        ({ row }) => toast.say(words.t("models.said.imported", { name: isolated(row.name) })),
        () => toast.say(words.t("models.said.imported", { name: isolated(title) })),
      );
    },
  });
  const downloads = useDownloads((task, download) => {
    const name = isolated(download?.repository ?? task.title);
    if (task.phase === "done") toast.say(words.t("models.said.downloaded", { name }));
    if (task.phase === "failed") {
      toast.say(words.t("models.said.download_failed", { name }), undefined, true);
    }
  });
  useEnded((task) => {
    if (task.phase === "done") found.pages.refresh();
  });
  const { over, ...dropping } = useDrop((files) => {
    setSide("mine");
    setAdding(true);
    imports.send(files);
  });

  const { newest, failure } = found.pages;
  if (!ready || (newest === null && failure === null)) {
    return (
      <div class="nbt-models nbt-models-empty" {...dropping}>
        <p class="nbt-soft" role="status">
          <Icon name="hourglass" /> {words.t("models.loading")}
        </p>
      </div>
    );
  }
  const empty = newest?.count === 0;
  const adds = over || (side === "mine" && (adding || empty));
  const turn = (next: Side): void => {
    setSide(next);
    setAdding(false);
    if (next === "hub") setVisited(true);
  };
  return (
    <div
      class="nbt-models"
      data-lm-suppress-shortcuts="true"
      onPointerEnter={refresh}
      onFocusIn={refresh}
      {...dropping}
    >
      <header class="nbt-models-head">
        <Tabs<Side>
          id={id}
          label={words.t("models.title")}
          current={side}
          onChoose={turn}
          tabs={[
            { name: "mine", label: words.t("models.mine"), icon: "cube", count: newest?.count ?? 0 },
            { name: "hub", label: words.t("models.hub"), icon: "globe" },
          ]}
        />
        <span class="nbt-model-gap" />
        <Button
          icon="download"
          quiet
          pressed={queue}
          label={
            downloads.underway > 0
              ? words.t("models.queue.count", { count: downloads.underway })
              : words.t("models.queue")
          }
          onClick={() => setQueue(!queue)}
        />
        {!empty && (
          <Button
            icon="plus"
            label={words.t("models.add")}
            pressed={adding && side === "mine"}
            onClick={() => {
              setSide("mine");
              setAdding(!(adding && side === "mine"));
            }}
          />
        )}
      </header>
      {queue && <Queue downloads={downloads} onShow={show} onClose={() => setQueue(false)} />}
      {!adds && (imports.uploads.length > 0 || imports.running.length > 0 || imports.failed.length > 0) && (
        <div class="nbt-models-work">
          {imports.uploads.map((upload) => (
            <UploadCard key={upload} upload={upload} imports={imports} />
          ))}
          {imports.running.map((task) => (
            <TaskCard key={task.task} task={task} />
          ))}
          {imports.failed.length > 0 && (
            <button
              type="button"
              class="nbt-link nbt-models-failed"
              onClick={() => {
                setSide("mine");
                setAdding(true);
              }}
            >
              {words.t("models.failed", { count: imports.failed.length })}
            </button>
          )}
        </div>
      )}
      <div class="nbt-models-body" id={`${id}-body`} role="tabpanel" aria-labelledby={`${id}-${side}`}>
        {adds && (
          <AddModel
            empty={empty}
            left={arriving.value?.uploads ?? []}
            over={over}
            imports={imports}
            onHub={() => turn("hub")}
            onClose={empty ? undefined : () => setAdding(false)}
          />
        )}
        {/* What was scrolled to and begun in a side stays while the other is looked at. */}
        <div class="nbt-models-side" hidden={adds || side !== "mine" || empty}>
          <Mine found={found} chosen={model} say={toast.say} onChoose={setModel} />
        </div>
        {visited && (
          <div class="nbt-models-side" hidden={adds || side !== "hub"}>
            <Hub
              search={search}
              downloads={downloads}
              chosen={repository}
              say={toast.say}
              onChoose={setRepository}
              onShow={show}
            />
          </div>
        )}
      </div>
      <Toast toast={toast} />
    </div>
  );
}
