/** The versions of a model, newest first, and the one that is looked at. */

import { useWords } from "../../shared/i18n";
import type { Say } from "../../shared/work/toast";
import { ago, metricText } from "../format";
import { StageBadge } from "../stage";
import type { ModelRow, VersionView } from "../wire";
import { Version } from "./version";
import "./version.css";

export interface VersionsProps {
  model: ModelRow;
  versions: readonly VersionView[];
  version: VersionView;
  say: Say;
  onVersion(number: number): void;
  onChanged(): Promise<void>;
  onBegan(): Promise<unknown>;
}

export function Versions({ model, versions, version, say, onVersion, onChanged, onBegan }: VersionsProps) {
  const words = useWords();
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step === undefined ? undefined : versions[versions.indexOf(version) + step];
    if (!next || !(event.currentTarget instanceof HTMLElement)) return;
    event.preventDefault();
    event.stopPropagation();
    onVersion(next.number);
    event.currentTarget.querySelectorAll<HTMLElement>("[role=option]")[versions.indexOf(next)]?.focus();
  };
  return (
    <>
      {versions.length > 1 && (
        <div class="nbt-versions" role="listbox" aria-label={words.t("models.tab.versions")} onKeyDown={move}>
          {versions.map((each) => (
            <button
              key={each.number}
              type="button"
              role="option"
              class="nbt-version-row"
              aria-selected={each === version}
              tabIndex={each === version ? 0 : -1}
              onClick={() => onVersion(each.number)}
            >
              <span class="nbt-number">{words.t("models.version", { number: each.number })}</span>
              <span class="nbt-number nbt-soft">{ago(each.created, words)}</span>
              <span class="nbt-number nbt-version-metric">{each.metrics[0] && metricText(each.metrics[0], words)}</span>
              <span>{each.stage !== "none" && <StageBadge stage={each.stage} />}</span>
            </button>
          ))}
        </div>
      )}
      <Version
        key={version.number}
        model={model}
        version={version}
        last={versions.length === 1}
        say={say}
        onChanged={onChanged}
        onBegan={onBegan}
      />
    </>
  );
}
