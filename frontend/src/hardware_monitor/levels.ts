/** From which point on a figure deserves a second look. Being busy is what processors are for: their use has no limit. */

export type Level = "ok" | "high" | "critical";

type Measure = "memory" | "disk" | "gpu_memory" | "temperature";

/** Shares of 0–1; temperature in °C. */
const LIMITS: Record<Measure, { high: number; critical: number }> = {
  memory: { high: 0.8, critical: 0.92 },
  disk: { high: 0.85, critical: 0.95 },
  gpu_memory: { high: 0.9, critical: 0.97 },
  temperature: { high: 80, critical: 90 },
};

export function levelOf(measure: Measure, value: number | null): Level {
  if (value === null) return "ok";
  const { high, critical } = LIMITS[measure];
  if (value >= critical) return "critical";
  return value >= high ? "high" : "ok";
}

/** `used / total`, or null where one of them is not told. */
export function share(used: number | null, total: number | null): number | null {
  return used === null || total === null || total <= 0 ? null : used / total;
}
