/** Whether the dataset is fit to train on: what was found, the worst first, and what one click does about it. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon, type IconName } from "../../shared/icons";
import { usePanel } from "../../shared/panel";
import { TaskCard } from "../../shared/work/task_card";
import { isRunning, useTask } from "../../shared/work/tasks";
import type { Say } from "../../shared/work/toast";
import type { Narrowed } from "../detail/preview";
import { argsOf } from "../split/parts";
import type { Cure, DatasetFacts, FindingView } from "../wire";
import "./quality.css";

const ICONS: Record<FindingView["severity"], IconName> = { high: "alert", medium: "help", low: "bulb" };
const SEVERITIES = ["high", "medium", "low"] as const;

export interface QualityProps {
  facts: DatasetFacts;
  say: Say;
  onBegan(): Promise<unknown>;
  /** A remedy began whose result may be another dataset. */
  onMade(task: string): void;
  onShowRows(rows: Narrowed): void;
}

export function Quality({ facts, say, onBegan, onMade, onShowRows }: QualityProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const task = useTask(facts.running.quality);
  const remedy = useTask(facts.running.remedy);
  const [busy, setBusy] = useState<number | "check" | null>(null);
  const found = facts.quality;
  const running = task !== undefined && isRunning(task);
  const check = async (): Promise<void> => {
    setBusy("check");
    try {
      await rpc.request("quality", { dataset: facts.row.id, target: facts.target });
      await onBegan();
    } catch (error) {
      report(error);
    } finally {
      setBusy(null);
    }
  };
  const cure = async (finding: FindingView): Promise<void> => {
    setBusy(finding.index);
    try {
      const cure = await rpc.request<Cure>("remedy", {
        dataset: facts.row.id,
        finding: finding.index,
        finding_kind: finding.kind,
        count: finding.count,
      });
      if (cure.task === null) {
        const said = cure.taken ? `remedy.${finding.remedy}.done` : "datasets.said.use_code";
        say(words.t(said, { code: `\u2068${cure.code}\u2069` }));
      } else {
        onMade(cure.task);
        await onBegan();
      }
    } catch (error) {
      report(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <div class="nbt-quality">
      <header class="nbt-quality-head">
        <p role="status">{found ? <Verdict findings={found.findings} /> : words.t("datasets.quality.none_yet")}</p>
        <Button
          icon={running ? "hourglass" : "check"}
          label={words.t(found ? "datasets.quality.again" : "datasets.quality.begin")}
          primary={!found || found.stale}
          busy={running || busy === "check"}
          onClick={() => void check()}
        />
      </header>
      {found?.stale && <p class="nbt-soft">{words.t("datasets.quality.stale")}</p>}
      {running && <TaskCard task={task} />}
      {remedy && isRunning(remedy) && <TaskCard task={remedy} />}
      {[task, remedy].map(
        (ended) =>
          ended?.phase === "failed" && (
            <p key={ended.task} class="nbt-field-problem" role="alert" dir="auto">
              {ended.error?.message}
            </p>
          ),
      )}
      {SEVERITIES.map((severity) => {
        const some = found?.findings.filter((finding) => finding.severity === severity) ?? [];
        if (some.length === 0) return null;
        return (
          <section key={severity} aria-label={words.t(`datasets.severity.${severity}`)}>
            <ul class="nbt-findings">
              {some.map((finding) => (
                <Finding
                  key={finding.index}
                  finding={finding}
                  busy={busy === finding.index}
                  disabled={busy !== null || running}
                  onCure={() => void cure(finding)}
                  onShowRows={onShowRows}
                />
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

/** In one sentence: nothing found, or how much and how grave. */
function Verdict({ findings }: { findings: readonly FindingView[] }) {
  const words = useWords();
  const grave = findings.filter(({ severity }) => severity === "high").length;
  if (findings.length === 0) return <>{words.t("datasets.quality.clean")}</>;
  const all = words.t("datasets.quality.found", { count: findings.length });
  return <>{grave > 0 ? `${all} ${words.t("datasets.quality.grave", { count: grave })}` : all}</>;
}

interface FindingProps {
  finding: FindingView;
  busy: boolean;
  disabled: boolean;
  onCure(): void;
  onShowRows(rows: Narrowed): void;
}

function Finding({ finding, busy, disabled, onCure, onShowRows }: FindingProps) {
  const words = useWords();
  const args = isolated(argsOf(finding.args));
  const sentence = words.t(`finding.${finding.kind}`, args);
  return (
    <li class="nbt-finding" data-severity={finding.severity}>
      <span class="nbt-finding-severity">
        <Icon name={ICONS[finding.severity]} />
        <span>{words.t(`datasets.severity.${finding.severity}`)}</span>
      </span>
      <div class="nbt-finding-text">
        <p class="nbt-finding-title">{sentence}</p>
        <p class="nbt-soft">{words.t(`finding.${finding.kind}.help`, args)}</p>
        <div class="nbt-finding-actions">
          {finding.remedy && (
            <Button
              label={words.t(`remedy.${finding.remedy}`, args)}
              busy={busy}
              disabled={disabled}
              onClick={onCure}
            />
          )}
          {finding.rows.length > 0 && (
            <Button
              icon="table"
              quiet
              label={words.t("datasets.quality.examples", { count: finding.rows.length })}
              onClick={() => onShowRows({ rows: finding.rows, why: sentence })}
            />
          )}
        </div>
      </div>
    </li>
  );
}

/** Names and values keep their own direction within a sentence, whatever it begins with. */
function isolated(args: Record<string, string | number>): Record<string, string | number> {
  const entries = Object.entries(args).map(([name, value]): [string, string | number] => [
    name,
    typeof value === "string" ? `\u2068${value}\u2069` : value,
  ]);
  return Object.fromEntries(entries);
}
