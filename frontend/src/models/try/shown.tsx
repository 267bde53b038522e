/** Something that the model made: a text, marked words, an image, a sound. */

import { useEffect, useState } from "preact/hooks";
import { useWords } from "../../shared/i18n";
import type { Shown } from "../wire";

/** The kinds of files that are shown; what else would come is not given to the browser. */
const MIMES = ["image/png", "audio/wav"];

export function OneShown({ shown }: { shown: Shown }) {
  const words = useWords();
  const { kind, text, marks } = shown;
  const title = shown.title || words.t("try.shown");
  const url = useFile(shown);
  return (
    <figure class="nbt-shown" data-kind={kind}>
      {shown.title && (
        <figcaption class="nbt-soft" dir="auto">
          {shown.title}
        </figcaption>
      )}
      {kind === "text" && (
        <p class="nbt-shown-text" dir="auto">
          {text}
        </p>
      )}
      {kind === "marks" && (
        <p class="nbt-shown-marks" dir="auto">
          {marks.map((mark, index) => [
            index > 0 && " ",
            mark.label ? (
              <mark key={`${index} ${mark.text}`}>
                <bdi>{mark.text}</bdi> <bdi class="nbt-mark-label">{mark.label}</bdi>
              </mark>
            ) : (
              <bdi key={`${index} ${mark.text}`}>{mark.text}</bdi>
            ),
          ])}
        </p>
      )}
      {kind === "image" && url && <img src={url} alt={title} />}
      {kind === "audio" && url && (
        // biome-ignore lint/a11y/useMediaCaption: what the model says is what was typed
        <audio controls preload="metadata" src={url} aria-label={title} />
      )}
    </figure>
  );
}

/** The address of a file while it is shown. */
function useFile({ content, mime }: Shown): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!content || !MIMES.includes(mime)) return undefined;
    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
    const made = URL.createObjectURL(new Blob([bytes], { type: mime }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [content, mime]);
  return url;
}
