/** How the Hub is searched: words, filters, order. */

import { Choice } from "../../shared/controls/choice";
import { type I18n, useWords } from "../../shared/i18n";
import { useUid } from "../../shared/uid";
import { taskText } from "../format";
import { Search } from "../search";
import { Tools } from "../tools";
import type { HubQuery, HubSearch } from "./use_search";

const TASKS = [
  "text-classification",
  "token-classification",
  "fill-mask",
  "text-generation",
  "question-answering",
  "summarization",
  "translation",
  "sentence-similarity",
  "feature-extraction",
  "zero-shot-classification",
  "image-classification",
  "object-detection",
  "image-segmentation",
  "image-feature-extraction",
  "audio-classification",
  "automatic-speech-recognition",
  "tabular-classification",
  "tabular-regression",
  "time-series-forecasting",
];
const LIBRARIES = ["transformers", "sentence-transformers", "timm", "pytorch", "safetensors", "onnx", "gguf"];
const LANGUAGES = ["en", "fa", "ru", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "tr", "uk", "ur", "zh"];
const LICENCES = [
  "apache-2.0",
  "mit",
  "bsd-3-clause",
  "cc-by-4.0",
  "cc-by-sa-4.0",
  "cc-by-nc-4.0",
  "openrail",
  "gpl-3.0",
];
const SIZES = ["tiny", "small", "medium", "large"];
const SORTS = ["trending", "downloads", "likes", "newest"];

export function Filters({ search }: { search: HubSearch }) {
  const words = useWords();
  const id = useUid();
  const { query, setQuery } = search;
  const pick = (name: keyof HubQuery, values: readonly string[], label: (value: string) => string) => (
    <Choice
      id={`${id}-${name}`}
      label={words.t(`hub.filter.${name}`)}
      value={query[name]}
      options={[
        { value: "", label: words.t(`hub.filter.${name}.any`) },
        ...values.map((value) => ({ value, label: label(value) })),
      ]}
      onChange={(value) => setQuery({ [name]: value })}
    />
  );
  return (
    <Tools
      on={[query.task, query.library, query.language, query.licence, query.size].filter(Boolean).length}
      search={
        <Search
          label={words.t("hub.search")}
          value={query.search}
          onChange={(text) => setQuery({ search: text })}
          onEnter={search.now}
        />
      }
    >
      <Choice
        id={`${id}-sort`}
        label={words.t("models.sort")}
        value={query.sort}
        options={SORTS.map((value) => ({ value, label: words.t(`hub.sort.${value}`) }))}
        onChange={(sort) => setQuery({ sort })}
      />
      {pick("task", TASKS, (task) => taskText(task, words))}
      {pick("library", LIBRARIES, (library) => library)}
      {pick("language", LANGUAGES, (language) => languageName(language, words))}
      {pick("licence", LICENCES, (licence) => licence)}
      {pick("size", SIZES, (size) => words.t(`hub.size.${size}`))}
    </Tools>
  );
}

/** A language's name in the reader's own; its code where the browser knows none. */
export function languageName(code: string, words: I18n): string {
  try {
    return new Intl.DisplayNames([words.language], { type: "language" }).of(code) ?? code;
  } catch {
    return code; // what stands in a repository need not be a code of a language
  }
}
