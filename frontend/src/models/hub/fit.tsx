/** Does it fit this machine? What using and training it take of the memory that is free now. */

import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { Icon, type IconName } from "../../shared/icons";
import { useUid } from "../../shared/uid";
import type { FitPart, FitView } from "../wire";

export interface Training {
  optimizer: string;
  mixed_precision: string;
  batch_size: number;
}

const ICONS: Readonly<Record<string, IconName>> = { fits: "check", tight: "gauge", no: "close", unknown: "help" };
const OPTIMIZERS = ["adamw", "adam", "sgd", "rmsprop", "lamb", "adafactor"];
const PRECISIONS = ["off", "bf16", "fp16"];
const BATCHES = [1, 2, 4, 8, 16, 32, 64];

/** Both verdicts in a line. */
export function Verdicts({ fit }: { fit: FitView }) {
  return (
    <p class="nbt-verdicts">
      <Verdict what="inference" verdict={fit.inference_verdict} bytes={fit.inference} />
      <Verdict what="training" verdict={fit.training_verdict} bytes={fit.training} />
    </p>
  );
}

interface VerdictProps {
  what: "inference" | "training";
  verdict: string;
  bytes: number | null;
}

function Verdict({ what, verdict, bytes }: VerdictProps) {
  const words = useWords();
  return (
    <span class="nbt-verdict" data-verdict={verdict}>
      <Icon name={ICONS[verdict] ?? "help"} size={14} />
      <span>{words.t(`fit.${what}.${verdict}`)}</span>
      {bytes !== null && <span class="nbt-soft nbt-number">{words.bytes(bytes)}</span>}
    </span>
  );
}

export interface FitProps {
  fit: FitView;
  training: Training;
  onTraining(training: Training): void;
}

export function Fit({ fit, training, onTraining }: FitProps) {
  const words = useWords();
  const id = useUid();
  const known = fit.inference !== null;
  return (
    <div class="nbt-fit">
      <p>{words.t("fit.free", { size: words.bytes(fit.free), device: `\u2068${deviceText(fit.device)}\u2069` })}</p>
      {!known && <p class="nbt-soft">{words.t("fit.unknown")}</p>}
      {fit.inference !== null && (
        <section>
          <h3>{words.t("fit.inference")}</h3>
          <Parts parts={[{ name: "weights", bytes: fit.inference }]} free={fit.free} legend={false} />
          <p class="nbt-verdicts">
            <Verdict what="inference" verdict={fit.inference_verdict} bytes={fit.inference} />
          </p>
        </section>
      )}
      {known && (
        <section>
          <h3>{words.t("fit.training")}</h3>
          <div class="nbt-fit-fields">
            <label for={`${id}-optimizer`}>{words.t("option.optimizer.label")}</label>
            <Choice
              id={`${id}-optimizer`}
              value={training.optimizer}
              options={OPTIMIZERS.map((value) => ({ value, label: words.t(`choice.optimizer.${value}`) }))}
              onChange={(optimizer) => onTraining({ ...training, optimizer })}
            />
            <label for={`${id}-precision`}>{words.t("option.mixed_precision.label")}</label>
            <Choice
              id={`${id}-precision`}
              value={training.mixed_precision}
              options={PRECISIONS.map((value) => ({ value, label: words.t(`choice.mixed_precision.${value}`) }))}
              onChange={(mixed_precision) => onTraining({ ...training, mixed_precision })}
            />
            <label for={`${id}-batch`}>{words.t("fit.batch_size")}</label>
            <Choice
              id={`${id}-batch`}
              value={String(training.batch_size)}
              options={BATCHES.map((size) => ({ value: String(size), label: words.integer(size) }))}
              onChange={(size) => onTraining({ ...training, batch_size: Number(size) })}
            />
          </div>
          <Parts parts={fit.parts} free={fit.free} legend />
          <p class="nbt-verdicts">
            <Verdict what="training" verdict={fit.training_verdict} bytes={fit.training} />
          </p>
        </section>
      )}
      <p class="nbt-soft nbt-out-help">{words.t("fit.estimate")}</p>
    </div>
  );

  function deviceText(device: string): string {
    return device === "RAM" ? words.t("fit.ram") : device;
  }
}

interface PartsProps {
  parts: readonly FitPart[];
  free: number;
  legend: boolean;
}

/** The parts of what is needed, against what is free: the mark is where the memory ends. */
function Parts({ parts, free, legend }: PartsProps) {
  const words = useWords();
  const needed = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const whole = Math.max(needed, free, 1);
  const said = words.t("fit.of", { needed: words.bytes(needed), free: words.bytes(free) });
  return (
    <>
      <div class="nbt-fit-bar" role="img" aria-label={said} title={said}>
        {parts.map(({ name, bytes }) => (
          <span key={name} data-part={name} style={{ inlineSize: `${(bytes / whole) * 100}%` }} />
        ))}
        {needed > free && <i style={{ insetInlineStart: `${(free / whole) * 100}%` }} />}
      </div>
      {legend && (
        <ul class="nbt-fit-legend">
          {parts.map(({ name, bytes }) => (
            <li key={name} class="nbt-number">
              <i data-part={name} /> {words.t(`fit.${name}`)} <span class="nbt-soft">{words.bytes(bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
