/** Commands on their way: what was asked, until the trainer's own state shows that it happened. */

import { useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import type { RunState } from "../shared/wire";

export type CommandKind = "start" | "pause" | "resume" | "stop" | "save" | "resume_run";

/** After an answer the new state comes within a pump's beat; then the button is given back anyway. */
const STATE_FOLLOWS_MS = 1500;

/** What must change before a command counts as done. */
function markOf(state: RunState | undefined): string {
  return state ? `${state.run} ${state.state}` : "";
}

export interface Commands {
  /** The command that waits for the trainer, if any. */
  asked: CommandKind | null;
  /** Sends a command; resolves with its result, or with undefined when it was refused. */
  ask<T>(kind: CommandKind, fields?: Record<string, unknown>): Promise<T | undefined>;
}

export function useCommands(state: RunState | undefined, onRefused: (error: unknown) => void): Commands {
  const { rpc } = usePanel();
  const [asked, setAsked] = useState<{ kind: CommandKind; mark: string } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const mark = markOf(state);

  useEffect(() => {
    if (asked !== null && asked.kind !== "save" && asked.mark !== mark) setAsked(null);
  }, [asked, mark]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const ask = async <T>(kind: CommandKind, fields: Record<string, unknown> = {}): Promise<T | undefined> => {
    clearTimeout(timer.current);
    setAsked({ kind, mark });
    try {
      const result = await rpc.request<T>(kind, fields);
      if (kind === "save") setAsked(null);
      else timer.current = setTimeout(() => setAsked(null), STATE_FOLLOWS_MS);
      return result;
    } catch (error) {
      setAsked(null);
      onRefused(error);
      return undefined;
    }
  };
  return { asked: asked?.kind ?? null, ask };
}
