/** What every component of a panel can reach: the kernel, what is known of it, and where errors go. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { I18n } from "./i18n";
import type { Host, Model } from "./model";
import type { Rpc } from "./rpc";
import type { Signal } from "./signal";
import type { Store } from "./store";
import type { Theme } from "./theme";

export interface Panel {
  readonly model: Model;
  readonly rpc: Rpc;
  readonly store: Store;
  readonly theme: Signal<Theme>;
  /** The last error that belongs to no field; the frame shows it. */
  readonly error: Signal<unknown>;
  readonly host: Host | undefined;
  /** Aborted when the panel is taken off the page. */
  readonly signal: AbortSignal;
  /** Shows an error in the panel and in the console. */
  report(error: unknown): void;
}

export const PanelContext = createContext<Panel | null>(null);

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (!panel) throw new Error("usePanel was called outside of a mounted panel.");
  return panel;
}

/** What an error says to the reader: words of the catalogue where it has a key, else its own message. */
export function errorText(error: unknown, words: I18n): string {
  const message = error instanceof Error ? error.message : String(error);
  return words.has(message) ? words.t(message) : message;
}
