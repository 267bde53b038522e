/** A question in the place of the button that asked for it: something would be lost. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { errorText } from "../shared/panel";

export interface ConfirmProps {
  question: string;
  yes: string;
  onYes(): Promise<void>;
  onNo(): void;
}

export function Confirm({ question, yes, onYes, onNo }: ConfirmProps) {
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const before = document.activeElement;
    place.current?.querySelector("button")?.focus({ preventScroll: true });
    return () => {
      // Without a place the keys would go to the notebook.
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const go = async (): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      await onYes();
    } catch (error) {
      setProblem(errorText(error, words));
      setBusy(false);
    }
  };
  return (
    <div
      ref={place}
      class="nbt-confirm"
      role="alertdialog"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onNo();
      }}
    >
      <Icon name="alert" />
      <span>{question}</span>
      <Button label={yes} danger primary busy={busy} onClick={() => void go()} />
      <Button label={words.t("models.keep")} quiet disabled={busy} onClick={onNo} />
      {problem && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
