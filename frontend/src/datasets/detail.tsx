/** One dataset: its name and actions, and below them, in tabs, what is in it and what can be done with it. */

import { useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { type I18n, useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import { usePanel } from "../shared/panel";
import { useUid } from "../shared/uid";
import { Name } from "../shared/work/name";
import { Tabs } from "../shared/work/tabs";
import { useEnded } from "../shared/work/tasks";
import type { Say } from "../shared/work/toast";
import { ExportForm } from "./detail/export";
import { type Narrowed, Preview } from "./detail/preview";
import { Process } from "./process/process";
import { Profile } from "./profile/profile";
import { Quality } from "./quality/quality";
import { sourceText } from "./sidebar";
import { Split } from "./split/split";
import { useFacts } from "./state";
import type { DatasetFacts, DatasetRow } from "./wire";
import "./detail.css";

type Tab = "preview" | "profile" | "split" | "process" | "quality";

const TABS: readonly { name: Tab; icon: IconName }[] = [
  { name: "preview", icon: "table" },
  { name: "profile", icon: "chart" },
  { name: "split", icon: "sliders" },
  { name: "process", icon: "list" },
  { name: "quality", icon: "check" },
];

export interface DetailProps {
  row: DatasetRow;
  /** Names that are taken. */
  names: readonly string[];
  say: Say;
  onChanged(): Promise<unknown>;
  /** A task began that makes another dataset. */
  onMade(task: string): void;
  onDelete(row: DatasetRow): Promise<void>;
}

export function Detail(props: DetailProps) {
  const { row } = props;
  const words = useWords();
  const id = useUid();
  const facts = useFacts(row.id);
  const [tab, setTab] = useState<Tab>("preview");
  const [narrowed, setNarrowed] = useState<Narrowed | null>(null);
  // A preview that was opened stays where its reader scrolled to.
  const [previewed, setPreviewed] = useState(tab === "preview");
  if (tab === "preview" && !previewed) setPreviewed(true);
  useEnded((task) => {
    if (task.phase === "done" || Object.values(facts.value?.running ?? {}).includes(task.task)) void facts.reload();
  });
  const showRows = (rows: Narrowed): void => {
    setNarrowed(rows);
    setTab("preview");
  };
  return (
    <div class="nbt-detail">
      <Head {...props} facts={facts.value} primary={tab === "preview" || tab === "profile"} />
      <Tabs<Tab>
        id={id}
        label={words.t("datasets.tabs")}
        current={tab}
        onChoose={setTab}
        tabs={TABS.map(({ name, icon }) => ({
          name,
          icon,
          label: words.t(`datasets.tab.${name}`),
          mark: name === "quality" && <Findings facts={facts.value} />,
        }))}
      />
      <div class="nbt-detail-body" id={`${id}-body`} role="tabpanel" aria-labelledby={`${id}-${tab}`}>
        {previewed && (
          <div class="nbt-detail-preview" hidden={tab !== "preview"}>
            <Preview dataset={row.id} narrowed={narrowed} onWiden={() => setNarrowed(null)} />
          </div>
        )}
        {tab !== "preview" && !facts.value && (
          <p class="nbt-detail-wait nbt-soft" role="status">
            <Icon name="hourglass" /> {words.t("datasets.loading")}
          </p>
        )}
        {facts.value && tab === "profile" && <Profile facts={facts.value} onBegan={facts.reload} />}
        {facts.value && tab === "split" && <Split facts={facts.value} onBegan={facts.reload} />}
        {facts.value && tab === "process" && <Process facts={facts.value} names={props.names} onMade={props.onMade} />}
        {facts.value && tab === "quality" && (
          <Quality
            facts={facts.value}
            say={props.say}
            onBegan={facts.reload}
            onMade={props.onMade}
            onShowRows={showRows}
          />
        )}
      </div>
    </div>
  );
}

function Head({ row, facts, primary, say, onChanged, onDelete }: DetailProps & HeadProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [exporting, setExporting] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const use = (): void => {
    rpc.request<{ taken: boolean }>("use", { dataset: row.id }).then(({ taken }) => {
      // Without a form that took it, the line that does the same.
      const code = `nbtrain.train(model, ${JSON.stringify(row.name)})`;
      say(words.t(taken ? "datasets.said.used" : "datasets.said.use_code", { name: row.name, code }));
    }, report);
  };
  const rename = async (name: string): Promise<void> => {
    await rpc.request("rename", { dataset: row.id, name });
    await onChanged();
    say(words.t("datasets.said.renamed", { old: row.name, name }));
  };
  const remove = (): void => {
    setDeleting(true);
    onDelete(row).catch((error: unknown) => {
      setDeleting(false);
      report(error);
    });
  };
  return (
    <header class="nbt-detail-head">
      <div class="nbt-detail-title">
        <Name
          name={row.name}
          labels={{
            rename: words.t("datasets.rename"),
            field: words.t("datasets.rename.label"),
            save: words.t("datasets.rename.save"),
          }}
          onRename={rename}
        />
        <p class="nbt-detail-facts">
          {factsOf(row, words).map((fact) => (
            <span key={fact} class="nbt-number">
              {fact}
            </span>
          ))}
        </p>
        <p class="nbt-detail-source" title={sourceText(row, words)}>
          {words.t("datasets.from", { source: `\u2068${sourceText(row, words)}\u2069` })}
        </p>
        {row.rejected > 0 && (
          <p class="nbt-detail-rejected">
            <Icon name="alert" size={14} />
            <span dir="auto">
              {words.t("datasets.rejected", { count: row.rejected, file: facts?.rejected_file ?? "" })}
            </span>
          </p>
        )}
        {facts && facts.notes.length > 0 && (
          <ul class="nbt-detail-notes">
            {facts.notes.map((note) => (
              <li key={note} dir="auto">
                {note}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div class="nbt-detail-actions">
        <Button icon="play" label={words.t("datasets.use")} primary={primary && !exporting} onClick={use} />
        <Button
          icon="download"
          iconOnly
          quiet
          label={words.t("datasets.export")}
          pressed={exporting}
          onClick={() => setExporting(!exporting)}
        />
        <Button icon="trash" iconOnly quiet label={words.t("datasets.delete")} busy={deleting} onClick={remove} />
      </div>
      {exporting && <ExportForm row={row} say={say} onClose={() => setExporting(false)} />}
    </header>
  );
}

interface HeadProps {
  facts: DatasetFacts | null;
  /** Whether nothing on the tab below is the main thing to do. */
  primary: boolean;
}

function factsOf(row: DatasetRow, words: I18n): string[] {
  return [
    words.t("datasets.rows", { count: row.rows }),
    words.t("datasets.columns", { count: row.columns }),
    words.bytes(row.bytes),
    words.date(row.created),
  ];
}

/** How many grave findings there are. */
function Findings({ facts }: { facts: DatasetFacts | null }) {
  const words = useWords();
  const grave = facts?.quality?.findings.filter(({ severity }) => severity === "high").length ?? 0;
  if (grave === 0) return null;
  return (
    <span class="nbt-detail-count" title={words.t("datasets.quality.grave", { count: grave })}>
      {words.integer(grave)}
    </span>
  );
}
