/** The buttons: one primary at a time, Stop asks once, and a waiting command says so. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import type { State } from "../shared/wire";
import type { CommandKind } from "./commands";

export interface ActionsProps {
  state: State | undefined;
  /** The loop is the user's: nothing can be saved or resumed. */
  ownLoop: boolean;
  /** The command that waits for the trainer. */
  asked: CommandKind | null;
  disabled: boolean;
  startable: boolean;
  onCommand(kind: CommandKind): void;
}

export function Actions({ state, ownLoop, asked, disabled, startable, onCommand }: ActionsProps) {
  const words = useWords();
  const [confirming, setConfirming] = useState(false);
  const stop = useRef<HTMLSpanElement>(null);
  const active = state === "preparing" || state === "running" || state === "paused";

  useEffect(() => {
    if (!active) setConfirming(false);
  }, [active]);

  const button = (kind: CommandKind, icon: "play" | "pause" | "save" | "stop" | "reset", primary = false) => (
    <Button
      key={kind}
      icon={asked === kind ? "hourglass" : icon}
      label={words.t(asked === kind ? `button.${kind}.waiting` : `button.${kind}`)}
      primary={primary}
      busy={asked === kind}
      disabled={disabled || asked !== null || (kind === "start" && !startable)}
      onClick={() => (kind === "stop" ? setConfirming(true) : onCommand(kind))}
    />
  );

  if (active && confirming && asked === null) {
    return (
      <StopQuestion
        disabled={disabled}
        onStop={() => {
          setConfirming(false);
          onCommand("stop");
        }}
        onKeep={() => {
          setConfirming(false);
          requestAnimationFrame(() => stop.current?.querySelector("button")?.focus());
        }}
      />
    );
  }
  if (active) {
    return (
      <div class="nbt-actions">
        {state === "paused" ? button("resume", "play", true) : button("pause", "pause", true)}
        <span ref={stop}>{button("stop", "stop")}</span>
        {!ownLoop && <span class="nbt-actions-end">{button("save", "save")}</span>}
      </div>
    );
  }
  const resumable = !ownLoop && (state === "stopped" || state === "failed");
  return (
    <div class="nbt-actions">
      {resumable && button("resume_run", "play", true)}
      {state === undefined ? (
        button("start", "play", true)
      ) : (
        <Button
          icon={asked === "start" ? "hourglass" : "plus"}
          label={words.t(asked === "start" ? "button.start.waiting" : "button.new_run")}
          primary={!resumable}
          busy={asked === "start"}
          disabled={disabled || asked !== null || !startable}
          onClick={() => onCommand("start")}
        />
      )}
    </div>
  );
}

function StopQuestion({ disabled, onStop, onKeep }: { disabled: boolean; onStop(): void; onKeep(): void }) {
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  // The harmless answer has the focus, so that a second Enter does not end hours of work.
  useLayoutEffect(() => box.current?.querySelector<HTMLButtonElement>("button:last-of-type")?.focus(), []);
  return (
    <div
      ref={box}
      class="nbt-actions nbt-question"
      role="alertdialog"
      aria-label={words.t("stop.question")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onKeep();
      }}
    >
      <span>{words.t("stop.question")}</span>
      <Button icon="stop" label={words.t("stop.confirm")} primary danger disabled={disabled} onClick={onStop} />
      <Button label={words.t("stop.keep")} onClick={onKeep} />
    </div>
  );
}
