/** What the model made while it learnt: texts, images and sounds of the newest epoch, older ones to choose. */

import { useEffect, useState } from "preact/hooks";
import { Choice } from "../shared/controls/choice";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { useUid } from "../shared/uid";
import type { SampleView } from "../shared/wire";
import { Picture } from "./picture";
import "./samples.css";

interface Sample extends SampleView {
  text: string;
  /** Of an image or a sound; the page lets go of it with the sample. */
  url: string;
}

interface Shown {
  epoch: number;
  samples: readonly Sample[];
}

const NEWEST = "";

export function Samples({ run, epochs }: { run: string; epochs: readonly number[] }) {
  const words = useWords();
  const id = useUid();
  const [picked, setPicked] = useState<number | null>(null);
  const newest = epochs.at(-1);
  const epoch = picked !== null && epochs.includes(picked) ? picked : newest;
  const shown = useSamples(run, epoch);
  if (epoch === undefined) return null;
  return (
    <section class="nbt-samples" aria-label={words.t("samples.title")}>
      <div class="nbt-samples-head">
        <h3>{words.t("samples.title")}</h3>
        <Choice
          id={id}
          label={words.t("samples.epoch.choose")}
          value={picked === null ? NEWEST : String(epoch)}
          options={[
            { value: NEWEST, label: words.t("samples.newest", { epoch: words.integer(newest ?? 0) }) },
            ...[...epochs].reverse().map((each) => ({
              value: String(each),
              label: words.t("samples.epoch", { epoch: words.integer(each) }),
            })),
          ]}
          onChange={(value) => setPicked(value === NEWEST ? null : Number(value))}
        />
      </div>
      <ul>
        {shown?.samples.map((sample, index) => (
          <li key={`${shown.epoch} ${index}`} data-kind={sample.kind}>
            <OneSample sample={sample} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function OneSample({ sample }: { sample: Sample }) {
  const { title, kind, text, url } = sample;
  const words = useWords();
  return (
    <figure>
      {kind === "text" ? (
        <figcaption dir="auto">{title}</figcaption>
      ) : (
        <figcaption>
          <bdi>{title}</bdi>
        </figcaption>
      )}
      {kind === "text" && (
        <p class="nbt-sample-text" dir="auto">
          {text}
        </p>
      )}
      {kind === "audio" && (
        // biome-ignore lint/a11y/useMediaCaption: what the model says is in the title
        <audio controls preload="metadata" src={url} aria-label={title} />
      )}
      {kind === "image" && (
        <div class="nbt-sample-image">
          <Picture url={url} title={title} label={words.t("samples.enlarge", { title })} />
        </div>
      )}
    </figure>
  );
}

/** The samples of an epoch, asked for once. */
function useSamples(run: string, epoch: number | undefined): Shown | null {
  const { rpc, report } = usePanel();
  const alive = useValue(rpc.alive);
  const [shown, setShown] = useState<Shown | null>(null);
  const wanted = epoch !== undefined && shown?.epoch !== epoch && alive;
  useEffect(() => {
    if (!wanted) return undefined;
    let current = true;
    rpc.requestWithBuffers<{ samples: SampleView[] }>("samples", { run, epoch }).then(({ result, buffers }) => {
      if (!current) return;
      const samples = result.samples.map((view, index) => readable(view, buffers[index]));
      setShown({ epoch, samples });
    }, report);
    return () => {
      current = false;
    };
  }, [rpc, report, run, epoch, wanted]);
  useEffect(
    () => () => {
      for (const { url } of shown?.samples ?? []) if (url) URL.revokeObjectURL(url);
    },
    [shown],
  );
  return shown;
}

function readable(view: SampleView, buffer: DataView | undefined): Sample {
  const bytes = buffer ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice() : new Uint8Array();
  if (view.kind === "text") return { ...view, text: new TextDecoder().decode(bytes), url: "" };
  return { ...view, text: "", url: URL.createObjectURL(new Blob([bytes], { type: view.mime })) };
}
