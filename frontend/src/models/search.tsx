/** A field to search with: Enter asks at once, Escape empties it. */

import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";

export interface SearchProps {
  label: string;
  value: string;
  onChange(text: string): void;
  onEnter(): void;
}

export function Search({ label, value, onChange, onEnter }: SearchProps) {
  const words = useWords();
  return (
    <label class="nbt-models-search">
      <Icon name="search" size={14} />
      <input
        class="nbt-input"
        type="search"
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        aria-label={label}
        placeholder={label}
        title={words.t("models.search.help")}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "Enter") onEnter();
          else if (event.key === "Escape" && value !== "") onChange("");
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
    </label>
  );
}
