/** Where it lies: a path, a folder, a name of the Hub, a variable of the notebook. */

import { useRef, useState } from "preact/hooks";
import { Button } from "../controls/button";
import { useWords } from "../i18n";
import { errorText, usePanel } from "../panel";
import { RequestError } from "../rpc";
import { useUid } from "../uid";
import { onEnter } from "./enter";
import type { Imports } from "./use_imports";
import "./arriving.css";

export interface PlaceProps {
  label: string;
  button: string;
  help: string;
  /** What stands in the empty field. */
  example: string;
  imports: Imports;
  /** Something stands in the field now, or nothing any more. */
  onTyped(typed: boolean): void;
}

export function Place({ label, button, help, example, imports, onTyped }: PlaceProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const id = useUid();
  const [source, setSource] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const typed = useRef(source);
  typed.current = source;
  const write = (text: string): void => {
    setSource(text);
    setProblem(null);
    onTyped(text.trim() !== "");
  };
  const begin = async (): Promise<void> => {
    if (source.trim() === "" || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const { task } = await rpc.request<{ task: string }>("import", {
        source: source.trim(),
        name: null,
        options: imports.options,
      });
      imports.follow(task);
      if (typed.current === source) write(""); // the next one may stand there by now
    } catch (error) {
      if (error instanceof RequestError && error.kind !== "gone") setProblem(errorText(error, words));
      else report(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for its button
    <div class="nbt-place" onKeyDown={onEnter(() => void begin())}>
      <label for={id}>{label}</label>
      <div class="nbt-place-row">
        <input
          id={id}
          class="nbt-input"
          type="text"
          dir="ltr"
          autocomplete="off"
          spellcheck={false}
          placeholder={example}
          value={source}
          aria-invalid={problem !== null || undefined}
          aria-describedby={problem === null ? `${id}-help` : `${id}-problem`}
          onInput={(event) => write(event.currentTarget.value)}
        />
        <Button label={button} primary disabled={source.trim() === ""} busy={busy} onClick={() => void begin()} />
      </div>
      {problem === null ? (
        <p id={`${id}-help`} class="nbt-place-help">
          {help}
        </p>
      ) : (
        <p id={`${id}-problem`} class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
