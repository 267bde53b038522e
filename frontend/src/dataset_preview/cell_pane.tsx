/** One cell, whole: long text, a nested value as a tree, an image, a sound. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { type I18n, useWords } from "../shared/i18n";
import { errorText } from "../shared/panel";
import { isMedia } from "./kinds";
import type { Slot } from "./layout";
import { parseNested } from "./nested";
import { Pane } from "./pane";
import { type Medium, revoke, type Source } from "./source";
import { Tree } from "./tree";
import type { CellText, Kind } from "./wire";

type Loaded = { text: CellText } | { medium: Medium } | { failure: unknown } | null;

export interface CellPaneProps {
  source: Source;
  slot: Slot;
  row: number;
  onCopy(text: string): void;
  onClose(): void;
}

export function CellPane({ source, slot, row, onCopy, onClose }: CellPaneProps) {
  const words = useWords();
  const loaded = useLoaded(source, slot, row);
  const number = source.number(row);
  const text = loaded && "text" in loaded ? loaded.text.text : null;
  return (
    <Pane
      column={slot.column}
      detail={number === undefined ? "" : words.t("data.row", { row: words.integer(number + 1) })}
      actions={
        text !== null &&
        text !== "" && <Button icon="copy" label={words.t("data.copy")} quiet iconOnly onClick={() => onCopy(text)} />
      }
      onClose={onClose}
    >
      <Body loaded={loaded} kind={slot.column.kind} words={words} />
    </Pane>
  );
}

function useLoaded(source: Source, slot: Slot, row: number): Loaded {
  const [loaded, setLoaded] = useState<Loaded>(null);
  const { column } = slot;
  useEffect(() => {
    let gone = false;
    let made: Medium | undefined;
    const load = async (): Promise<Loaded> => {
      if (!isMedia(column.kind)) return { text: await source.whole(row, column.name) };
      const medium = await source.medium(row, column.name);
      if (!medium) return null;
      if (gone) revoke(medium);
      else made = medium;
      return { medium };
    };
    setLoaded(null);
    load()
      .catch((failure: unknown): Loaded => ({ failure }))
      .then((found) => {
        if (!gone) setLoaded(found);
      });
    return () => {
      gone = true;
      if (made) revoke(made);
    };
  }, [source, column, row]);
  return loaded;
}

function Body({ loaded, kind, words }: { loaded: Loaded; kind: Kind; words: I18n }) {
  if (loaded === null) {
    return (
      <div class="nbt-pane-waiting" aria-busy="true">
        <span />
        <span />
        <span />
      </div>
    );
  }
  if ("failure" in loaded) {
    return (
      <p class="nbt-pane-note" role="alert" dir="auto">
        {errorText(loaded.failure, words)}
      </p>
    );
  }
  if ("medium" in loaded) return <MediumView medium={loaded.medium} words={words} />;
  return <TextView cell={loaded.text} kind={kind} words={words} />;
}

function MediumView({ medium: { item, url }, words }: { medium: Medium; words: I18n }) {
  if (item.problem !== "") {
    return (
      <p class="nbt-pane-note" dir="auto">
        {item.problem}
      </p>
    );
  }
  if (url === "") return <p class="nbt-pane-note">{words.t("data.missing")}</p>;
  const facts = [words.bytes(item.bytes)];
  if (item.width > 0) facts.unshift(`${words.integer(item.width)} × ${words.integer(item.height)}`);
  return (
    <figure class="nbt-pane-medium">
      {item.kind.startsWith("audio/") ? (
        // biome-ignore lint/a11y/useMediaCaption: the sounds of a dataset come without captions
        <audio controls src={url} />
      ) : (
        <img src={url} alt={item.path} />
      )}
      <figcaption>
        {item.path !== "" && <bdi title={item.path}>{item.path}</bdi>}
        <span>{facts.join(" · ")}</span>
      </figcaption>
    </figure>
  );
}

function TextView({ cell: { text, length, cut }, kind, words }: { cell: CellText; kind: Kind; words: I18n }) {
  if (text === null) return <p class="nbt-pane-note">{words.t("data.missing")}</p>;
  if (text === "") return <p class="nbt-pane-note">{words.t("data.empty_text")}</p>;
  const nested = kind === "nested";
  const measured = kind === "text" || nested;
  const value = cut ? undefined : parseNested(text, nested);
  return (
    <>
      {measured && <p class="nbt-pane-note">{words.t(cut ? "data.cut" : "data.length", { count: length })}</p>}
      {value === undefined ? (
        <pre class={nested || !measured ? "nbt-pane-text nbt-cell-code" : "nbt-pane-text"} dir="auto">
          {text}
        </pre>
      ) : (
        <Tree value={value} />
      )}
    </>
  );
}
