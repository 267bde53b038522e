/** The datasets panel: the list on one side; on the other the dataset that was chosen, or the way to add one. */

import { useState } from "preact/hooks";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { useEnded, useFresh } from "../shared/work/tasks";
import { Toast, useToast } from "../shared/work/toast";
import { useDrop } from "../shared/work/use_drop";
import { useImports } from "../shared/work/use_imports";
import { Detail } from "./detail";
import { AddData } from "./import/add_data";
import { Sidebar } from "./sidebar";
import { useList } from "./state";
import type { DatasetRow } from "./wire";
import "./datasets.css";

/** Kinds of tasks that end in a dataset. */
const MAKING: ReadonlySet<string> = new Set(["import", "process", "remedy", "sample"]);

export function Datasets() {
  const panel = usePanel();
  const words = useWords();
  const list = useList();
  const refresh = useFresh(list);
  const [chosen, setChosen] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const toast = useToast();
  const ready = useValue(panel.store.ready);
  const show = (dataset: string): void => {
    setChosen(dataset);
    setAdding(false);
  };
  const imported = async (dataset: string | null, title: string): Promise<void> => {
    const rows = await list.reload();
    if (dataset === null) {
      toast.say(words.t("datasets.said.corrected", { name: title }));
      return;
    }
    show(dataset);
    const name = rows?.rows.find(({ id }) => id === dataset)?.name ?? title;
    toast.say(words.t("datasets.said.imported", { name }));
  };
  const dismissed = list.value?.dismissed ?? [];
  const imports = useImports({ kinds: MAKING, what: "dataset", dismissed, onMade: imported });
  const { over, ...dropping } = useDrop((files) => {
    setAdding(true);
    imports.send(files);
  });
  useEnded((task) => {
    if (task.phase === "done") void list.reload();
  });

  if (!list.value || !ready) {
    return (
      <div class="nbt-datasets nbt-datasets-empty" {...dropping}>
        <p class="nbt-soft" role="status">
          <Icon name="hourglass" /> {words.t("datasets.loading")}
        </p>
      </div>
    );
  }
  const rows = list.value.rows;
  const row = rows.find(({ id }) => id === chosen) ?? rows[0];
  const adds = adding || over || row === undefined;

  const remove = async (gone: DatasetRow): Promise<void> => {
    await panel.rpc.request("delete", { dataset: gone.id });
    await list.reload();
    toast.say(words.t("datasets.said.deleted", { name: gone.name }), async () => {
      await panel.rpc.request("undelete", { dataset: gone.id });
      await list.reload();
      show(gone.id);
      toast.say(words.t("datasets.said.restored", { name: gone.name }));
    });
  };

  return (
    <div
      class={rows.length === 0 ? "nbt-datasets nbt-datasets-empty" : "nbt-datasets"}
      onPointerEnter={refresh}
      onFocusIn={refresh}
      {...dropping}
    >
      {rows.length > 0 && (
        <Sidebar
          rows={rows}
          chosen={adds ? null : row.id}
          adding={adds}
          imports={imports}
          onChoose={show}
          onAdd={() => setAdding(true)}
        />
      )}
      <section class="nbt-datasets-main" aria-label={adds ? words.t("datasets.add.title") : row.name}>
        {row && (
          // Behind the way to add data it keeps what was begun in it.
          <div class="nbt-datasets-place" hidden={adds}>
            <Detail
              key={row.id}
              row={row}
              names={rows.map(({ name }) => name)}
              say={toast.say}
              onChanged={list.reload}
              onMade={imports.follow}
              onDelete={remove}
            />
          </div>
        )}
        {adds && (
          <AddData
            empty={rows.length === 0}
            left={list.value.uploads}
            over={over}
            imports={imports}
            onClose={rows.length > 0 ? () => setAdding(false) : undefined}
          />
        )}
      </section>
      <Toast toast={toast} />
    </div>
  );
}
