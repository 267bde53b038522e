/** The machine while it trains: processor, memory, disk and each GPU, with their last minutes. */

import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { CpuCard, DiskCard, GpuCard, MemoryCard, NoGpuCard } from "./cards";
import "./hardware_monitor.css";

export function HardwareMonitor() {
  const words = useWords();
  const history = useValue(usePanel().store.hardware);
  const now = history.at(-1);
  if (!now) {
    return (
      <div class="nbt-hw-empty" aria-busy="true">
        <h3>{words.t("hardware.empty.title")}</h3>
        <p>{words.t("hardware.empty.text")}</p>
      </div>
    );
  }
  return (
    <div class="nbt-hw">
      <CpuCard history={history} now={now} />
      <MemoryCard history={history} now={now} />
      <DiskCard history={history} now={now} />
      {now.gpus.map((gpu) => (
        <GpuCard key={gpu.index} history={history} gpu={gpu} />
      ))}
      {now.gpus.length === 0 && <NoGpuCard note={now.gpu_note} />}
    </div>
  );
}
