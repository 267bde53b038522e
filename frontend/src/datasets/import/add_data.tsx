/** The way to add data: drop a file, choose one, or say where it lies. */

import { useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import { RequestError } from "../../shared/rpc";
import { useUid } from "../../shared/uid";
import { onEnter } from "../enter";
import { TaskCard } from "../task_card";
import type { UploadView } from "../wire";
import { Failed } from "./failed";
import { ReadOptionsForm } from "./read_options";
import type { ReadOptions } from "./upload";
import { UploadCard } from "./upload_card";
import type { Imports } from "./use_imports";
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
      <DropZone primary={!typed && imports.failed.length === 0} over={over} onFiles={imports.send} />
      {imports.uploads.map((upload) => (
        <UploadCard key={upload} upload={upload} imports={imports} />
      ))}
      {imports.running.map((task) => (
        <TaskCard key={task.task} task={task} />
      ))}
      {halves.map((half) => (
        <Half key={half.upload} half={half} />
      ))}
      <Place options={options} imports={imports} onTyped={setTyped} />
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

interface DropZoneProps {
  /** Choosing a file is the main thing to do now. */
  primary: boolean;
  over: boolean;
  onFiles(files: readonly File[]): void;
}

/** Where to drop; a file may be let go anywhere on the panel. */
function DropZone({ primary, over, onFiles }: DropZoneProps) {
  const words = useWords();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class={over ? "nbt-drop nbt-drop-over" : "nbt-drop"}>
      <Icon name="upload" size={28} />
      <p class="nbt-drop-title">{words.t("datasets.drop.title")}</p>
      <p class="nbt-soft">{words.t("datasets.drop.formats")}</p>
      <Button label={words.t("datasets.drop.choose")} primary={primary} onClick={() => input.current?.click()} />
      <input
        ref={input}
        class="nbt-hidden"
        type="file"
        multiple
        accept={ENDINGS}
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = ""; // the same file can be chosen again
        }}
      />
    </div>
  );
}

/** Where it lies: a path, a pattern, a folder, a name of the Hub. */
interface PlaceProps {
  options: ReadOptions;
  imports: Imports;
  /** Something stands in the field now, or nothing any more. */
  onTyped(typed: boolean): void;
}

function Place({ options, imports, onTyped }: PlaceProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const id = useUid();
  const [source, setSource] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const write = (text: string): void => {
    setSource(text);
    setProblem(null);
    onTyped(text.trim() !== "");
  };
  const begin = async (): Promise<void> => {
    if (source.trim() === "" || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const { task } = await rpc.request<{ task: string }>("import", { source: source.trim(), name: null, options });
      imports.follow(task);
      write("");
    } catch (error) {
      if (error instanceof RequestError && error.kind !== "gone") setProblem(errorText(error, words));
      else report(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
    <div class="nbt-place" onKeyDown={onEnter(() => void begin())}>
      <label for={id}>{words.t("datasets.place")}</label>
      <div class="nbt-place-row">
        <input
          id={id}
          class="nbt-input"
          type="text"
          dir="ltr"
          autocomplete="off"
          spellcheck={false}
          placeholder="data/*.csv"
          value={source}
          aria-invalid={problem !== null || undefined}
          aria-describedby={problem === null ? `${id}-help` : `${id}-problem`}
          onInput={(event) => write(event.currentTarget.value)}
        />
        <Button
          label={words.t("datasets.place.import")}
          primary
          disabled={source.trim() === ""}
          busy={busy}
          onClick={() => void begin()}
        />
      </div>
      {problem === null ? (
        <p id={`${id}-help`} class="nbt-place-help">
          {words.t("datasets.place.help")}
        </p>
      ) : (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}

/** An upload of another page, or of before a reload: it goes on when the same file is chosen again. */
function Half({ half }: { half: UploadView }) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [gone, setGone] = useState(false);
  if (gone) return null;
  const drop = (): void => {
    setGone(true);
    rpc.request("drop_upload", { upload: half.upload }).catch(report);
  };
  const share = half.size > 0 ? half.have / half.size : 0;
  return (
    <div class="nbt-task nbt-half">
      <p dir="auto">{words.t("datasets.upload.half", { name: half.name, share: words.percent(share) })}</p>
      <Button icon="trash" iconOnly quiet label={words.t("datasets.upload.drop", { name: half.name })} onClick={drop} />
    </div>
  );
}
