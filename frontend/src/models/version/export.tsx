/** A version written to a file or folder of the user's, and what came of it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { Switch } from "../../shared/controls/switch";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import { TaskCard } from "../../shared/work/task_card";
import { useOutcome } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import { Files } from "../files";
import { isolated } from "../format";
import type { ExportView, ModelRow, VersionView } from "../wire";

/** Endings of a single file; the other formats are folders. */
const ENDINGS: Readonly<Record<string, string>> = { safetensors: ".safetensors", onnx: ".onnx", exported: ".pt2" };

export interface ExportProps {
  model: ModelRow;
  version: VersionView;
  /** Where the model's own files lie. */
  folder: string;
  say: Say;
}

export function Export({ model, version, folder, say }: ExportProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const id = useUid();
  const [format, setFormat] = useState(version.exports[0] ?? "");
  const [typed, setTyped] = useState<string | null>(null);
  const [overwrite, setOverwrite] = useState(false);
  const [begun, setBegun] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const [written, setWritten] = useState<ExportView | null>(null);
  const path = typed ?? `${fileName(model.name)}${ENDINGS[format] ?? ""}`;
  const task = useOutcome(begun, (ended) => {
    setBegun(undefined);
    if (ended.phase === "failed") setProblem(ended.error?.message ?? "");
    if (ended.phase !== "done") return;
    rpc.request<{ export: ExportView | null }>("exported", { task: ended.task }).then((answer) => {
      setWritten(answer.export);
      say(words.t("models.said.exported", { name: isolated(model.name), path: isolated(answer.export?.path ?? path) }));
    }, report);
  });
  const begin = async (): Promise<void> => {
    if (path.trim() === "" || begun !== undefined) return;
    setProblem("");
    setWritten(null);
    const fields = { model: model.id, version: version.number, format, path: path.trim(), options: { overwrite } };
    try {
      setBegun((await rpc.request<{ task: string }>("export", fields)).task);
    } catch (error) {
      setProblem(errorText(error, words));
    }
  };
  if (version.exports.length === 0) {
    return (
      <section class="nbt-out">
        <h3>{words.t("models.export.title")}</h3>
        <p class="nbt-soft">{words.t("models.export.none")}</p>
        <p class="nbt-out-path" dir="ltr">
          {folder}
        </p>
      </section>
    );
  }
  return (
    <section class="nbt-out" onKeyDown={onEnter(() => void begin())} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{words.t("models.export.title")}</h3>
      <div class="nbt-out-fields">
        <label for={`${id}-format`}>{words.t("models.export.format")}</label>
        <Choice
          id={`${id}-format`}
          value={format}
          options={version.exports.map((value) => ({ value, label: words.t(`models.export.${value}`) }))}
          onChange={setFormat}
        />
        <label for={`${id}-path`}>{words.t("models.export.path")}</label>
        <input
          id={`${id}-path`}
          class="nbt-input"
          type="text"
          dir="ltr"
          autocomplete="off"
          spellcheck={false}
          value={path}
          aria-invalid={problem !== "" || undefined}
          aria-describedby={problem === "" ? `${id}-help` : `${id}-problem`}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <label for={`${id}-over`}>{words.t("models.export.overwrite")}</label>
        <Switch id={`${id}-over`} value={overwrite} onChange={setOverwrite} />
      </div>
      <p id={`${id}-help`} class="nbt-soft nbt-out-help">
        {words.t(`models.export.${format}.help`)}
      </p>
      <p>
        <Button
          icon="download"
          label={words.t("models.export")}
          primary
          disabled={path.trim() === ""}
          busy={begun !== undefined}
          onClick={() => void begin()}
        />
      </p>
      {begun !== undefined && task?.phase === "running" && <TaskCard task={task} />}
      {problem && (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
      {written && <Written written={written} />}
    </section>
  );
}

function Written({ written }: { written: ExportView }) {
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div ref={place} class="nbt-written">
      <p class="nbt-out-path" dir="ltr">
        {written.path}
      </p>
      {written.difference !== null && (
        <p class="nbt-number">{words.t("models.export.difference", { value: words.figure(written.difference) })}</p>
      )}
      {written.note && <p dir="auto">{written.note}</p>}
      <Files files={written.files} />
    </div>
  );
}

/** A name without what paths are made of. */
function fileName(name: string): string {
  return name.replace(/[/\\:*?"<>|\s]+/g, "_").replace(/^\.+/, "") || "model";
}
