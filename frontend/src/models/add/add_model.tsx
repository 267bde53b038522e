/** The way to add a model: drop a file, choose one, say where it lies, or look for one on the Hub. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { DropZone } from "../../shared/work/drop_zone";
import { Half } from "../../shared/work/half";
import { Place } from "../../shared/work/place";
import { TaskCard } from "../../shared/work/task_card";
import { UploadCard } from "../../shared/work/upload_card";
import type { Imports } from "../../shared/work/use_imports";
import type { UploadView } from "../wire";
import { Failed } from "./failed";
import "./add.css";

const ENDINGS = ".safetensors,.zip,.pt,.pth,.pt2,.bin,.onnx,.ckpt,.pkl,.joblib";

export interface AddModelProps {
  /** There are no models yet. */
  empty: boolean;
  /** Uploads that were broken off. */
  left: readonly UploadView[];
  over: boolean;
  imports: Imports;
  onHub(): void;
  onClose: (() => void) | undefined;
}

export function AddModel({ empty, left, over, imports, onHub, onClose }: AddModelProps) {
  const words = useWords();
  const [typed, setTyped] = useState(false);
  const sending = new Set(imports.uploads.map(({ file }) => file.name));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
    <div
      class="nbt-add-model"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !onClose) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header class="nbt-add-model-head">
        <h2>{words.t(empty ? "models.empty.title" : "models.add.title")}</h2>
        {onClose && <Button icon="close" iconOnly quiet label={words.t("models.close")} onClick={onClose} />}
      </header>
      <DropZone
        primary={!typed && imports.failed.length === 0}
        over={over}
        title={words.t("models.drop.title")}
        formats={words.t("models.drop.formats")}
        button={words.t("models.drop.choose")}
        endings={ENDINGS}
        onFiles={imports.send}
      />
      {imports.uploads.map((upload) => (
        <UploadCard key={upload} upload={upload} imports={imports} />
      ))}
      {imports.running.map((task) => (
        <TaskCard key={task.task} task={task} />
      ))}
      {left
        .filter(({ name }) => !sending.has(name))
        .map((half) => (
          <Half key={half.upload} half={half} />
        ))}
      {imports.failed.map((task) => (
        <Failed key={task.task} task={task} imports={imports} />
      ))}
      <Place
        label={words.t("models.place")}
        button={words.t("models.place.import")}
        help={words.t("models.place.help")}
        example="model.safetensors"
        imports={imports}
        onTyped={setTyped}
      />
      <p class="nbt-add-hub">
        <span class="nbt-soft">{words.t("models.empty.hub")}</span>
        <Button icon="globe" label={words.t("models.empty.find")} onClick={onHub} />
      </p>
    </div>
  );
}
