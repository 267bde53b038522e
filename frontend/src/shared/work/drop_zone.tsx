/** Where to drop; a file may be let go anywhere on the panel. */

import { useRef } from "preact/hooks";
import { Button } from "../controls/button";
import { Icon } from "../icons";
import "./arriving.css";

export interface DropZoneProps {
  /** Choosing a file is the main thing to do now. */
  primary: boolean;
  over: boolean;
  title: string;
  /** What may be dropped. */
  formats: string;
  button: string;
  /** What the file chooser offers first; anything else can be dropped or chosen all the same. */
  endings: string;
  onFiles(files: readonly File[]): void;
}

export function DropZone({ primary, over, title, formats, button, endings, onFiles }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class={over ? "nbt-drop nbt-drop-over" : "nbt-drop"}>
      <Icon name="upload" size={28} />
      <p class="nbt-drop-title">{title}</p>
      <p class="nbt-soft">{formats}</p>
      <Button label={button} primary={primary} onClick={() => input.current?.click()} />
      <input
        ref={input}
        class="nbt-hidden"
        type="file"
        multiple
        accept={endings}
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
