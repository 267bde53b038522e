/** One card for each thing a machine is made of. */

import type { ComponentChildren } from "preact";
import { useWords } from "../shared/i18n";
import { Icon, type IconName } from "../shared/icons";
import type { GpuSample, HardwareSample } from "../shared/wire";
import { type Level, levelOf, share } from "./levels";
import { Sparkline } from "./sparkline";

type History = readonly HardwareSample[];

interface CardProps {
  icon: IconName;
  title: string;
  detail?: string;
  value: string;
  level?: Level;
  children: ComponentChildren;
}

function Card({ icon, title, detail, value, level = "ok", children }: CardProps) {
  return (
    <section class="nbt-hw-card">
      <header class="nbt-hw-head">
        <Icon name={icon} />
        <h3>{title}</h3>
        {detail && (
          <bdi class="nbt-hw-detail" title={detail}>
            {detail}
          </bdi>
        )}
        <LevelWord level={level} />
        <span class="nbt-hw-value">{value}</span>
      </header>
      {children}
    </section>
  );
}

/** Nothing while all is well: a word and an icon, not colour alone, when it is not. */
function LevelWord({ level }: { level: Level }) {
  const words = useWords();
  if (level === "ok") return null;
  return (
    <span class="nbt-hw-level" data-level={level}>
      <Icon name="alert" size={14} />
      {words.t(`hardware.level.${level}`)}
    </span>
  );
}

interface FactProps {
  label: string;
  value: string;
  /** 0–1 for a bar; null or left out for none. */
  fill?: number | null;
  level?: Level;
}

function Fact({ label, value, fill = null, level = "ok" }: FactProps) {
  return (
    <div class="nbt-hw-fact" data-level={level}>
      <span class="nbt-hw-label">
        {label}
        <LevelWord level={level} />
      </span>
      <span class="nbt-hw-amount nbt-number">{value}</span>
      {fill !== null && (
        <div class="nbt-hw-bar" aria-hidden="true">
          <span style={{ inlineSize: `${Math.min(1, Math.max(0, fill)) * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function useHistoryLabel(): (
  title: string,
  values: readonly (number | null)[],
  write: (value: number) => string,
) => string {
  const words = useWords();
  return (title, values, write) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return title;
    return words.t("hardware.history", { title, now: write(known.at(-1) ?? 0), high: write(Math.max(...known)) });
  };
}

export function CpuCard({ history, now }: { history: History; now: HardwareSample }) {
  const words = useWords();
  const label = useHistoryLabel();
  const title = words.t("hardware.cpu");
  const use = history.map((sample) => sample.cpu);
  const percent = (value: number): string => words.percent(value);
  return (
    <Card
      icon="chip"
      title={title}
      detail={words.t("hardware.cores", { count: now.cores.length })}
      value={percent(now.cpu)}
    >
      <Sparkline lines={[{ values: use }]} top={1} label={label(title, use, percent)} />
      <div class="nbt-hw-cores">
        {now.cores.map((core, index) => {
          const text = words.t("hardware.core", { index, use: percent(core) });
          return (
            <span key={index} role="img" aria-label={text} title={text}>
              <span style={{ blockSize: `${Math.min(1, core) * 100}%` }} />
            </span>
          );
        })}
      </div>
    </Card>
  );
}

export function MemoryCard({ history, now }: { history: History; now: HardwareSample }) {
  const words = useWords();
  const label = useHistoryLabel();
  const title = words.t("hardware.memory");
  const used = share(now.memory_used, now.memory_total) ?? 0;
  const shares = history.map((sample) => share(sample.memory_used, sample.memory_total));
  const amounts = { used: words.bytes(now.memory_used), total: words.bytes(now.memory_total) };
  return (
    <Card icon="memory" title={title} value={words.percent(used)} level={levelOf("memory", used)}>
      <Sparkline
        lines={[{ values: shares }]}
        top={1}
        level={levelOf("memory", used)}
        label={label(title, shares, (value) => words.percent(value))}
      />
      <div class="nbt-hw-facts">
        <Fact label={words.t("hardware.in_use")} value={words.t("hardware.of", amounts)} />
        <Fact label={words.t("hardware.process")} value={words.bytes(now.process_memory)} />
      </div>
    </Card>
  );
}

export function DiskCard({ history, now }: { history: History; now: HardwareSample }) {
  const words = useWords();
  const label = useHistoryLabel();
  const title = words.t("hardware.disk");
  const used = share(now.disk_used, now.disk_total) ?? 0;
  const rate = (value: number): string => words.t("hardware.rate", { size: words.bytes(value) });
  const read = history.map((sample) => sample.disk_read);
  const write = history.map((sample) => sample.disk_write);
  const text = [label(words.t("hardware.read"), read, rate), label(words.t("hardware.write"), write, rate)].join(" ");
  const amounts = { used: words.bytes(now.disk_used), total: words.bytes(now.disk_total) };
  return (
    <Card icon="disk" title={title} value={words.percent(used)} level={levelOf("disk", used)}>
      <Sparkline lines={[{ values: read }, { values: write, dashed: true }]} label={text} />
      <div class="nbt-hw-facts">
        <Fact label={words.t("hardware.in_use")} value={words.t("hardware.of", amounts)} />
        <Fact label={`— ${words.t("hardware.read")}`} value={rate(now.disk_read)} />
        <Fact label={`┄ ${words.t("hardware.write")}`} value={rate(now.disk_write)} />
      </div>
    </Card>
  );
}

export function GpuCard({ history, gpu }: { history: History; gpu: GpuSample }) {
  const words = useWords();
  const label = useHistoryLabel();
  const title = words.t("hardware.gpu", { index: gpu.index });
  const unknown = words.t("hardware.unknown");
  const told = <T,>(value: T | null, write: (value: T) => string): string => (value === null ? unknown : write(value));
  const use = history.map((sample) => sample.gpus.find(({ index }) => index === gpu.index)?.use ?? null);
  const memory = share(gpu.memory_used, gpu.memory_total);
  const power = share(gpu.power, gpu.power_limit);
  const percent = (value: number): string => words.percent(value);
  const degrees = (value: number): string =>
    words.number(value, { style: "unit", unit: "celsius", maximumFractionDigits: 0 });
  const watts = (value: number): string => words.t("hardware.watt", { value: words.integer(value) });
  const memoryText = told(gpu.memory_used, (used) =>
    words.t("hardware.of", { used: words.bytes(used), total: told(gpu.memory_total, (total) => words.bytes(total)) }),
  );
  const powerText = told(gpu.power, (value) =>
    gpu.power_limit === null
      ? watts(value)
      : words.t("hardware.of", { used: watts(value), total: watts(gpu.power_limit) }),
  );
  return (
    <Card icon="bolt" title={title} detail={gpu.name} value={gpu.use === null ? "–" : percent(gpu.use)}>
      <Sparkline lines={[{ values: use }]} top={1} label={label(title, use, percent)} />
      <div class="nbt-hw-facts">
        <Fact
          label={words.t("hardware.gpu.memory")}
          value={memoryText}
          fill={memory}
          level={levelOf("gpu_memory", memory)}
        />
        <Fact
          label={words.t("hardware.gpu.temperature")}
          value={told(gpu.temperature, degrees)}
          fill={gpu.temperature === null ? null : gpu.temperature / 100}
          level={levelOf("temperature", gpu.temperature)}
        />
        <Fact label={words.t("hardware.gpu.power")} value={powerText} fill={power} />
      </div>
    </Card>
  );
}

export function NoGpuCard({ note }: { note: string }) {
  const words = useWords();
  return (
    <section class="nbt-hw-card nbt-hw-none">
      <Icon name="bolt" />
      <p>{words.t(note === "driver" ? "hardware.gpu_driver" : "hardware.no_gpu")}</p>
    </section>
  );
}
