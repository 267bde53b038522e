/** What the model said: classes with their probabilities as bars, numbers, and what is read, seen or heard. */

import { useWords } from "../../shared/i18n";
import type { Prediction } from "../wire";
import { OneShown } from "./shown";

/** Bars that are drawn; of a thousand classes the rest is as good as nothing. */
const MOST = 10;

export function Answer({ answer }: { answer: Prediction }) {
  const words = useWords();
  const { guesses, values, shown, seconds, note } = answer;
  return (
    <>
      {shown.map((one, index) => (
        <OneShown key={`${one.kind} ${index}`} shown={one} />
      ))}
      {guesses.length > 0 && (
        <ol class="nbt-guesses">
          {guesses.slice(0, MOST).map(({ label, probability }, index) => (
            <li key={label} class={index === 0 ? "nbt-guess nbt-guess-first" : "nbt-guess"}>
              <span class="nbt-guess-label" title={label}>
                <bdi>{label}</bdi>
              </span>
              <span class="nbt-number">{words.percent(probability, 1)}</span>
              <span class="nbt-guess-bar" aria-hidden="true">
                <span style={{ inlineSize: `${Math.max(0, Math.min(1, probability)) * 100}%` }} />
              </span>
            </li>
          ))}
        </ol>
      )}
      {guesses.length > MOST && <p class="nbt-soft">{words.t("try.more", { count: guesses.length - MOST })}</p>}
      {values.length > 0 && (
        <dl class="nbt-figures">
          {values.map(({ name, value }) => (
            <div key={name}>
              <dt dir="auto">{name}</dt>
              <dd class="nbt-number" title={String(value)}>
                {words.figure(value)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {note && <p dir="auto">{note}</p>}
      <p class="nbt-soft nbt-number">{words.t("try.took", { time: words.figure(seconds * 1000) })}</p>
    </>
  );
}
