/** Facts of the dataset: column by column, and the classes of a column. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { TaskCard } from "../../shared/work/task_card";
import { isRunning, useTask } from "../../shared/work/tasks";
import type { DatasetFacts, ProfileView } from "../wire";
import { Classes } from "./classes";
import { Columns } from "./columns";
import "./profile.css";

export interface ProfileProps {
  facts: DatasetFacts;
  onBegan(): Promise<unknown>;
}

export function Profile({ facts, onBegan }: ProfileProps) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const running = useTask(facts.running.profile);
  const { profile } = facts;
  const dataset = facts.row.id;
  const begin = (target: string | null): void => {
    rpc.request("profile", { dataset, target }).then(onBegan, report);
  };
  // Whoever opens the tab wants to see it; it can be called off.
  const missing = profile === null && facts.running.profile === undefined;
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!missing || asked) return;
    setAsked(true);
    begin(facts.target);
  }, [missing, asked]);

  const busy = running !== undefined && isRunning(running);
  return (
    <div class="nbt-profile">
      {busy && <TaskCard task={running} />}
      {running?.phase === "failed" && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {running.error?.message}
        </p>
      )}
      {profile ? (
        <>
          <Target facts={facts} profile={profile} disabled={busy} onChange={begin} />
          {profile.classes.length > 0 && <Classes classes={profile.classes} rows={profile.rows} />}
          <Columns profile={profile} />
        </>
      ) : (
        !busy &&
        asked && (
          <p class="nbt-detail-wait">
            <Button
              icon="chart"
              label={words.t("datasets.profile.begin")}
              primary
              onClick={() => begin(facts.target)}
            />
          </p>
        )
      )}
    </div>
  );
}

interface TargetProps {
  facts: DatasetFacts;
  profile: ProfileView;
  disabled: boolean;
  onChange(target: string | null): void;
}

function Target({ facts, profile, disabled, onChange }: TargetProps) {
  const words = useWords();
  const id = useUid();
  return (
    <div class="nbt-profile-target">
      <label for={id}>{words.t("datasets.target")}</label>
      <Choice
        id={id}
        value={profile.target ?? ""}
        disabled={disabled}
        options={[
          { value: "", label: words.t("datasets.target.none") },
          ...facts.columns.map(({ name }) => ({ value: name, label: name })),
        ]}
        onChange={(name) => onChange(name === "" ? null : name)}
      />
    </div>
  );
}
