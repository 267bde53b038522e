/** Files that are dropped onto an element; without this the browser would leave the page for them. */

import { useState } from "preact/hooks";

export interface Drop {
  /** A file is held over it. */
  over: boolean;
  onDragEnter(event: DragEvent): void;
  onDragOver(event: DragEvent): void;
  onDragLeave(event: DragEvent): void;
  onDrop(event: DragEvent): void;
}

export function useDrop(onFiles: (files: readonly File[]) => void): Drop {
  const [over, setOver] = useState(false);
  const hover = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook has a use of its own for what is dropped
    setOver(true);
  };
  return {
    over,
    onDragEnter: hover,
    onDragOver: hover,
    onDragLeave(event) {
      const { currentTarget: area, relatedTarget: next } = event;
      // From one child to the next it is still over the whole.
      if (!(area instanceof Node && next instanceof Node && area.contains(next))) setOver(false);
    },
    onDrop(event) {
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      event.stopPropagation();
      onFiles(files);
    },
  };
}
