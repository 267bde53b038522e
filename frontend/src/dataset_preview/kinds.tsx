/** The kinds of columns: their icons, and which way their cells are aligned and read. */

import { Icon, type IconName } from "../shared/icons";
import type { Kind } from "./wire";

const ICONS: Record<Kind, IconName> = {
  integer: "hash",
  number: "hash",
  boolean: "toggle",
  text: "text",
  date: "calendar",
  time: "clock",
  duration: "clock",
  binary: "file",
  nested: "braces",
  image: "image",
  audio: "sound",
};

export function KindIcon({ kind }: { kind: Kind }) {
  return <Icon name={ICONS[kind]} size={14} />;
}

export function isNumeric(kind: Kind): boolean {
  return kind === "integer" || kind === "number";
}

export function isMedia(kind: Kind): kind is "image" | "audio" {
  return kind === "image" || kind === "audio";
}

/** Numbers, dates and the like: of one direction everywhere, with digits that line up. */
export function isFigure(kind: Kind): boolean {
  return isNumeric(kind) || kind === "date" || kind === "time" || kind === "duration";
}
