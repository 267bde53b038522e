/** What there is to say about the run beyond its figures: an error and its cure, a reason, how it was resumed. */

import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { RunState } from "../shared/wire";

export function Outcome({ state }: { state: RunState }) {
  const words = useWords();
  const { error, resumed, reason, warnings } = state;
  return (
    <>
      {error && (
        <div class="nbt-outcome nbt-outcome-error" role="alert">
          <Icon name="alert" />
          <div>
            <p class="nbt-outcome-title">{words.t("error.title")}</p>
            <p dir="auto">{error.message}</p>
            <p class="nbt-soft">
              {words.t(words.has(`error.${error.kind}.do`) ? `error.${error.kind}.do` : "error.do")}
            </p>
          </div>
        </div>
      )}
      {!error && reason && (
        <p class="nbt-soft" dir="auto">
          {reason}
        </p>
      )}
      {warnings
        .filter((warning) => warning !== reason)
        .map((warning) => (
          <div key={warning} class="nbt-outcome nbt-outcome-plain">
            <Icon name="alert" />
            <p dir="auto">{warning}</p>
          </div>
        ))}
      {resumed && (
        <div class={resumed.exact ? "nbt-outcome nbt-outcome-plain" : "nbt-outcome"}>
          <Icon name={resumed.exact ? "check" : "reset"} />
          <div>
            <p>{words.t(resumed.exact ? "resumed.exact" : "resumed.not_exact")}</p>
            {!resumed.exact && (
              <ul>
                {resumed.reasons.map((why) => (
                  <li key={why} dir="auto">
                    {why}
                  </li>
                ))}
              </ul>
            )}
          </div>
        </div>
      )}
    </>
  );
}

/** The chef's sentence, as in the kitchen. */
export function ChefLine({ state }: { state: RunState }) {
  const words = useWords();
  return (
    <p class="nbt-chef-line">
      <Icon name="pot" />
      <span>{words.t(state.chef.key, state.chef.args)}</span>
    </p>
  );
}
