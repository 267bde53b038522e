/** The way to add data: drop a file, choose one, or say where it lies. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { usePanel } from "../../shared/panel";
import { DropZone } from "../../shared/work/drop_zone";
import { Half } from "../../shared/work/half";
import { Place } from "../../shared/work/place";
import { TaskCard } from "../../shared/work/task_card";
import { UploadCard } from "../../shared/work/upload_card";
import type { Imports } from "../../shared/work/use_imports";
import type { UploadView } from "../wire";
import { Failed } from "./failed";
import { ReadOptionsForm } from "./read_options";
import "./import.css";

/** What the file chooser offers first; anything else can be dropped or chosen all the same. */
const ENDINGS = ".csv,.tsv,.json,.jsonl,.ndjson,.txt,.parquet,.arrow,.feather,.gz,.zst";

export interface AddDataProps {
  /** There are no datasets yet. */
  empty: boolean;
  /** Uploads that were broken off. */
  left: readonly UploadView[];
  /** A file is held over the panel. */
  over: boolean;
  imports: Imports;
  onClose: (() => void) | undefined;
}

export function AddData({ empty, left, over, imports, onClose }: AddDataProps) {
  const panel = usePanel();
  const words = useWords();
  const { options, setOptions } = imports;
  const [typed, setTyped] = useState(false);
  const sending = new Set(imports.uploads.map(({ file }) => file.name));
  const halves = left.filter(({ name }) => !sending.has(name));
  const sample = (): void => {
    panel.rpc.request<{ task: string }>("sample").then(({ task }) => imports.follow(task), panel.report);
  };
  return (
    <div class="nbt-add">
      <header class="nbt-add-head">
        <h2>{words.t(empty ? "datasets.empty.title" : "datasets.add.title")}</h2>
        {onClose && <Button icon="close" iconOnly quiet label={words.t("datasets.add.close")} onClick={onClose} />}
      </header>
      <DropZone
        primary={!typed && imports.failed.length === 0}
        over={over}
        title={words.t("datasets.drop.title")}
        formats={words.t("datasets.drop.formats")}
        button={words.t("datasets.drop.choose")}
        endings={ENDINGS}
        onFiles={imports.send}
      />
      {imports.uploads.map((upload) => (
        <UploadCard key={upload} upload={upload} imports={imports} />
      ))}
      {imports.running.map((task) => (
        <TaskCard key={task.task} task={task} />
      ))}
      {halves.map((half) => (
        <Half key={half.upload} half={half} />
      ))}
      <Place
        label={words.t("datasets.place")}
        button={words.t("datasets.place.import")}
        help={words.t("datasets.place.help")}
        example="data/*.csv"
        imports={imports}
        onTyped={setTyped}
      />
      {imports.failed.map((task, index) => (
        <Failed key={task.task} task={task} primary={!typed && index === 0} options={options} imports={imports} />
      ))}
      <ReadOptionsForm
        options={options}
        wanted={imports.failed.some(({ error }) => error?.kind === "DataFileError")}
        onChange={setOptions}
      />
      {empty && (
        <p class="nbt-add-sample">
          <span class="nbt-soft">{words.t("datasets.sample.help")}</span>
          <Button icon="bulb" label={words.t("datasets.sample")} onClick={sample} />
        </p>
      )}
    </div>
  );
}
