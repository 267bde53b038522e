/** How files are read, for when it is not found out rightly: folded away until then. */

import { useState } from "preact/hooks";
import { Choice } from "../../shared/controls/choice";
import { Switch } from "../../shared/controls/switch";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { useUid } from "../../shared/uid";
import type { ReadOptions } from "../../shared/work/upload";

/** An option, its values, and the formats it is about. */
interface Declared {
  name: string;
  values: readonly string[];
  formats: readonly string[];
  /** What it is unless it is said otherwise; without it, it is found out from the file. */
  plain?: string;
}

const TABLES = ["", "csv", "tsv"];
const DECLARED: readonly Declared[] = [
  { name: "format", values: ["csv", "tsv", "json", "jsonl", "text", "parquet", "arrow"], formats: [] },
  { name: "delimiter", values: [",", ";", "\t", "|", " "], formats: ["", "csv"] },
  { name: "header", values: ["true", "false"], formats: TABLES },
  { name: "quote", values: ['"', "'", ""], formats: TABLES },
  {
    name: "encoding",
    values: ["utf-8", "windows-1256", "windows-1251", "windows-1252", "utf-16"],
    formats: ["", "csv", "tsv", "text"],
  },
  { name: "date_order", values: ["dmy", "mdy", "ymd"], formats: TABLES },
  { name: "lines", values: ["lines", "paragraphs"], formats: ["", "text"], plain: "lines" },
];
/** Characters that are not seen have names; so has what reads more easily as a word. */
const NAMED: Readonly<Record<string, string>> = {
  ",": "comma",
  ";": "semicolon",
  "\t": "tab",
  "|": "bar",
  " ": "space",
  '"': "double",
  "'": "single",
  "": "none",
  true: "yes",
  false: "no",
  dmy: "dmy",
  mdy: "mdy",
  ymd: "ymd",
  lines: "lines",
  paragraphs: "paragraphs",
};
/** Characters that are shown beside their names. */
const VISIBLE: ReadonlySet<string> = new Set([",", ";", "|", '"', "'"]);
/** Not a value of any option: found out from the file. */
const AUTO = "auto";

export interface ReadOptionsProps {
  options: ReadOptions;
  /** Something could not be read: it may be needed now. */
  wanted: boolean;
  onChange(options: ReadOptions): void;
}

export function ReadOptionsForm({ options, wanted, onChange }: ReadOptionsProps) {
  const words = useWords();
  const id = useUid();
  const [opened, setOpened] = useState<boolean | null>(null);
  const open = opened ?? wanted;
  const format = String(options.format ?? "");
  const shown = DECLARED.filter(({ formats }) => formats.length === 0 || formats.includes(format));
  const set = (name: string, value: string | boolean | null): void => {
    const { [name]: _, ...rest } = options;
    onChange(value === null ? rest : { ...rest, [name]: value });
  };
  const parsed = (value: string): string | boolean =>
    value === "true" || value === "false" ? value === "true" : value;
  return (
    <section class="nbt-read">
      <h3>
        <button
          type="button"
          class="nbt-read-fold"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpened(!open)}
        >
          <Icon name="chevron" />
          <span>{words.t("datasets.read.title")}</span>
          {Object.keys(options).length > 0 && (
            <span class="nbt-soft">{words.t("datasets.read.changed", { count: Object.keys(options).length })}</span>
          )}
        </button>
      </h3>
      <div id={id} class="nbt-read-fields" hidden={!open}>
        {shown.map(({ name, values, plain }) => (
          <div key={name} class="nbt-read-field">
            <label for={`${id}-${name}`}>{words.t(`datasets.read.${name}`)}</label>
            <Choice
              id={`${id}-${name}`}
              value={String(options[name] ?? plain ?? AUTO)}
              options={(plain === undefined ? [AUTO, ...values] : values).map((value) => ({
                value,
                label: value === AUTO ? words.t("datasets.read.auto") : wordOf(value),
              }))}
              onChange={(value) => set(name, value === AUTO || value === plain ? null : parsed(value))}
            />
          </div>
        ))}
        <div class="nbt-read-field nbt-read-skip">
          <label for={`${id}-skip`}>{words.t("datasets.read.skip")}</label>
          <Switch
            id={`${id}-skip`}
            value={options.on_error === "skip"}
            onChange={(on) => set("on_error", on ? "skip" : null)}
          />
        </div>
      </div>
    </section>
  );

  function wordOf(value: string): string {
    const named = NAMED[value];
    if (named === undefined) return value;
    const word = words.t(`datasets.read.value.${named}`);
    return VISIBLE.has(value) ? `${word}  ${value}` : word;
  }
}
