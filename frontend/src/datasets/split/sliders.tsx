/** The shares of the three parts: moving one moves the others, so that they always add up. */

import { Slider } from "../../shared/controls/slider";
import { useWords } from "../../shared/i18n";
import { moved, type Ratios } from "./ratios";

export const PARTS = ["train", "validation", "test"] as const;

export interface RatioSlidersProps {
  ratios: Ratios;
  /** Only the test part's share is asked for: the folds divide the rest. */
  testOnly: boolean;
  onChange(ratios: Ratios): void;
}

export function RatioSliders({ ratios, testOnly, onChange }: RatioSlidersProps) {
  const words = useWords();
  return (
    <fieldset class="nbt-ratios">
      <legend>{words.t("datasets.split.shares")}</legend>
      {PARTS.map((part, index) => {
        const share = ratios[index] ?? 0;
        if (testOnly && part !== "test") return null;
        return (
          <div key={part} class="nbt-ratio">
            <span class="nbt-part-name">
              <span class={`nbt-part-dot nbt-part-${part}`} aria-hidden="true" />
              {words.t(`datasets.part.${part}`)}
            </span>
            <Slider
              scale={{ min: 0, max: 1, kind: "linear", integer: false, step: 0.005 }}
              value={share}
              label={words.t(`datasets.part.${part}`)}
              text={words.percent(share, 1)}
              onChange={(value) => onChange(moved(ratios, index as 0 | 1 | 2, value))}
            />
            <span class="nbt-ratio-share nbt-number">{words.number(share, PERCENT)}</span>
          </div>
        );
      })}
    </fieldset>
  );
}

const PERCENT: Intl.NumberFormatOptions = { style: "percent", maximumFractionDigits: 1 };
