/** An image as a button that makes it large. */

import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import "./picture.css";

export interface PictureProps {
  url: string;
  /** What is on it. */
  title: string;
  /** What the button does, in words. */
  label: string;
}

export function Picture({ url, title, label }: PictureProps) {
  const [large, setLarge] = useState(false);
  return (
    <>
      <button type="button" class="nbt-picture" aria-label={label} onClick={() => setLarge(true)}>
        <img src={url} alt={title} />
      </button>
      {large && <Large url={url} title={title} onClose={() => setLarge(false)} />}
    </>
  );
}

function Large({ url, title, onClose }: { url: string; title: string; onClose(): void }) {
  const words = useWords();
  return (
    <dialog
      class="nbt-picture-large"
      aria-label={title}
      ref={(box) => {
        if (box && !box.open) box.showModal();
      }}
      onClose={onClose}
    >
      <Button icon="close" iconOnly quiet label={words.t("samples.close")} onClick={onClose} />
      <img src={url} alt={title} />
    </dialog>
  );
}
