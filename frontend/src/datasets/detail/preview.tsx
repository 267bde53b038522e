/** The table itself: the preview panel as a child, of all rows or of some. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import { showChild } from "../../studio/children";

/** Some rows, by their numbers, and in words why these. */
export interface Narrowed {
  rows: readonly number[];
  why: string;
}

export interface PreviewProps {
  dataset: string;
  narrowed: Narrowed | null;
  onWiden(): void;
}

export function Preview({ dataset, narrowed, onWiden }: PreviewProps) {
  const words = useWords();
  const all = narrowed === null;
  return (
    <>
      {narrowed && (
        <div class="nbt-narrowed" role="status">
          <Icon name="search" size={14} />
          <span dir="auto">{words.t("datasets.narrowed", { count: narrowed.rows.length, why: narrowed.why })}</span>
          <Button label={words.t("datasets.narrowed.all")} quiet onClick={onWiden} />
        </div>
      )}
      <div hidden={!all}>
        <Child name={dataset} />
      </div>
      {narrowed && <Child key={narrowed.rows.join()} name={`${dataset}:${narrowed.rows.join()}`} />}
    </>
  );
}

type Stage = { stage: "loading" } | { stage: "shown" } | { stage: "failed"; error: unknown };

function Child({ name }: { name: string }) {
  const panel = usePanel();
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const [attempt, setAttempt] = useState(0);
  const [progress, setProgress] = useState<Stage>({ stage: "loading" });
  useEffect(() => {
    const el = place.current;
    if (!el) return undefined;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    panel.signal.addEventListener("abort", leave);
    setProgress({ stage: "loading" });
    showChild({ ...panel, signal: gone.signal }, name, el).then(
      () => gone.signal.aborted || setProgress({ stage: "shown" }),
      (error: unknown) => {
        if (gone.signal.aborted) return;
        console.error("nbtrain:", error);
        setProgress({ stage: "failed", error });
      },
    );
    return () => {
      panel.signal.removeEventListener("abort", leave);
      leave();
      el.replaceChildren();
    };
  }, [panel, name, attempt]);
  return (
    <>
      {progress.stage === "loading" && (
        <p class="nbt-detail-wait nbt-soft" role="status">
          <Icon name="hourglass" /> {words.t("datasets.loading")}
        </p>
      )}
      {progress.stage === "failed" && (
        <div class="nbt-detail-wait" role="alert">
          <p dir="auto">{errorText(progress.error, words)}</p>
          <Button icon="reset" label={words.t("button.retry")} onClick={() => setAttempt(attempt + 1)} />
        </div>
      )}
      <div ref={place} class="nbt-detail-child" />
    </>
  );
}
