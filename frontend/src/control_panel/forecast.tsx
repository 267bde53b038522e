/** What would happen if one pressed Start now: sizes, rows, steps, time and memory, found out when it is asked. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import type { Foreseen } from "../shared/wire";
import "./forecast.css";

/** A few trial steps take a second or so. */
const ASK_AGAIN_MS = 400;

export interface ForecastProps {
  /** What Start would send. */
  wish: Record<string, unknown>;
  disabled: boolean;
  /** Takes over what is wrong with the wish. */
  onRefused(error: unknown): void;
}

type Told = { of: string; foreseen: Foreseen | null };

export function Forecast({ wish, disabled, onRefused }: ForecastProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const [told, setTold] = useState<Told | null>(null);
  const [task, setTask] = useState<{ id: string; of: string } | null>(null);
  const key = JSON.stringify(wish);
  const refused = useRef(onRefused);
  refused.current = onRefused;

  useEffect(() => {
    if (task === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const answer = await rpc.request<{ task: string | null; foreseen: Foreseen | null }>("foreseen", {
          task: task.id,
        });
        if (answer.foreseen) setTold({ of: task.of, foreseen: answer.foreseen });
        if (answer.foreseen || answer.task === null) setTask(null);
        else timer = setTimeout(ask, ASK_AGAIN_MS);
      } catch (error) {
        setTask(null);
        refused.current(error);
      }
    };
    timer = setTimeout(ask, ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [rpc, task]);

  const look = async (): Promise<void> => {
    try {
      const { task: id } = await rpc.request<{ task: string }>("foresee", wish);
      setTask({ id, of: key });
    } catch (error) {
      onRefused(error);
    }
  };

  const fresh = told?.of === key ? told.foreseen : null;
  return (
    <section class="nbt-forecast" aria-label={words.t("foreseen.title")} aria-live="polite">
      {fresh ? (
        <Summary foreseen={fresh} />
      ) : (
        <Button
          icon={task ? "hourglass" : "chart"}
          quiet
          label={words.t(task ? "foreseen.looking" : "foreseen.look")}
          busy={task !== null}
          disabled={disabled || task !== null}
          onClick={() => void look()}
        />
      )}
    </section>
  );
}

function Summary({ foreseen }: { foreseen: Foreseen }) {
  const words = useWords();
  const { model, recipe, parameters, rows, steps, seconds, memory, device, free, notes } = foreseen;
  const key = `choice.recipe.${recipe}`;
  const parts = ["train", "validation", "test"].filter((part) => rows[part]);
  const facts: [string, string][] = [
    [words.t("option.recipe.label"), words.has(key) ? words.t(key) : recipe],
    [words.t("subjects.model"), model],
    [words.t("foreseen.parameters"), words.integer(parameters)],
    [
      words.t("foreseen.rows"),
      parts.map((part) => words.t(`foreseen.rows.${part}`, { rows: words.integer(rows[part] ?? 0) })).join(" · "),
    ],
    [words.t("foreseen.steps"), steps === null ? words.t("foreseen.unknown") : words.integer(steps)],
    [words.t("foreseen.time"), seconds === null ? words.t("foreseen.unknown") : words.duration(seconds)],
    [words.t("foreseen.memory"), memoryText()],
  ];
  function memoryText(): string {
    if (memory === null) return words.t("foreseen.unknown");
    const of = { memory: words.bytes(memory), device };
    return free === null
      ? `${of.memory} (${device})`
      : words.t("foreseen.memory.of", { ...of, free: words.bytes(free) });
  }
  return (
    <>
      <dl class={memory !== null && free !== null && memory > free ? "nbt-forecast-tight" : ""}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value === model ? <bdi>{value}</bdi> : value}</dd>
          </div>
        ))}
      </dl>
      {notes.map((note) => (
        <p key={note} class="nbt-soft" dir="auto">
          {note}
        </p>
      ))}
    </>
  );
}
