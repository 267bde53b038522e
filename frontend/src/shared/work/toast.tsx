/** What was just done, or failed, said in place, with the way back where there is one. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../controls/button";
import { useWords } from "../i18n";
import { Icon } from "../icons";
import { usePanel } from "../panel";
import "./toast.css";
import "./work.css";

/** `text` is a sentence in the language of the panel; `failed`: it is no good news. */
export type Say = (text: string, undo?: () => Promise<void>, failed?: boolean) => void;

export interface ToastState {
  /** What is said now; a new text takes the place of the last one. */
  shown: { text: string; undo: (() => Promise<void>) | undefined; failed: boolean } | null;
  say: Say;
  dismiss(): void;
}

const SEEN_AFTER_MS = 8000;

export function useToast(): ToastState {
  const [shown, setShown] = useState<ToastState["shown"]>(null);
  const say = useCallback<Say>((text, undo, failed = false) => setShown({ text, undo, failed }), []);
  return { shown, say, dismiss: () => setShown(null) };
}

export function Toast({ toast }: { toast: ToastState }) {
  const { report } = usePanel();
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const { shown } = toast;
  const place = useRef<HTMLDivElement>(null);
  // What can be taken back stays until it is put away; the rest was read out, and seen.
  useEffect(() => {
    if (!shown || shown.undo) return undefined;
    const timer = setTimeout(toast.dismiss, SEEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  // What had the focus may be gone with what was deleted; the way back is the nearest thing to it.
  useEffect(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (shown?.undo && lost) place.current?.querySelector("button")?.focus({ preventScroll: true });
  }, [shown]);
  const undo = async (): Promise<void> => {
    setBusy(true);
    try {
      await shown?.undo?.();
    } catch (error) {
      report(error);
    } finally {
      setBusy(false);
    }
  };
  // The place is always there: what appears in it is read out.
  return (
    <div ref={place} class="nbt-toast-place" role="status">
      {shown && (
        <div class={shown.failed ? "nbt-toast nbt-toast-failed" : "nbt-toast"}>
          <Icon name={shown.failed ? "alert" : "check"} />
          <span>{shown.text}</span>
          {shown.undo && (
            <Button icon="reset" label={words.t("datasets.undo")} busy={busy} onClick={() => void undo()} />
          )}
          <Button icon="close" iconOnly quiet label={words.t("button.dismiss")} onClick={toast.dismiss} />
        </div>
      )}
    </div>
  );
}
