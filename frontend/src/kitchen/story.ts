/** What the kitchen shows of a run: which mood, how high the flame, where the pot. */

import type { RunState, Stage } from "../shared/wire";

/** The stages on the wire, and what they do not tell: no run at all, and a run that was stopped. */
export type Mood = Stage | "cold" | "stopped";

export interface Story {
  mood: Mood;
  /** All shares 0–1. */
  progress: number;
  /** 0: the burner is off. */
  flame: number;
  bubbling: number;
  steam: number;
  potOffHeat: boolean;
  lid: boolean;
  secondsLeft: number | null;
}

/** Even the slowest step needs some fire under it. */
const LOWEST_FLAME = 0.35;
/** How lively a pot is at least, by how far the dish has come. */
const LIVELINESS: Partial<Record<Mood, number>> = { simmering: 0.25, boiling: 0.6, finishing: 0.35 };

const COLD: Story = {
  mood: "cold",
  progress: 0,
  flame: 0,
  bubbling: 0,
  steam: 0,
  potOffHeat: false,
  lid: true,
  secondsLeft: null,
};

export function moodOf(state: Pick<RunState, "state" | "stage"> | undefined): Mood {
  if (!state) return "cold";
  return state.state === "stopped" ? "stopped" : state.stage;
}

export function storyOf(state: RunState | undefined): Story {
  if (!state) return COLD;
  const mood = moodOf(state);
  const story: Story = { ...COLD, mood, lid: false, progress: mood === "ready" ? 1 : share(state.progress) };
  const liveliness = LIVELINESS[mood];
  if (liveliness !== undefined) {
    return {
      ...story,
      flame: LOWEST_FLAME + (1 - LOWEST_FLAME) * share(state.heat),
      bubbling: Math.max(liveliness, share(state.bubbles)),
      steam: liveliness + 0.3,
      secondsLeft: state.seconds_left,
    };
  }
  const rest: Partial<Record<Mood, Partial<Story>>> = {
    preheating: { flame: 0.2 },
    paused: { potOffHeat: true, steam: 0.3, secondsLeft: state.seconds_left },
    stopped: { lid: true },
    ready: { lid: true, steam: 0.4 },
  };
  return { ...story, ...rest[mood] };
}

function share(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}

/** Hours, minutes and seconds as a kitchen timer has them: `1:05:09`, `4:32`. */
export function timerText(seconds: number, digits: (value: number, width: number) => string): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 100) return digits(hours, 1);
  return hours > 0
    ? `${digits(hours, 1)}:${digits(minutes, 2)}:${digits(rest, 2)}`
    : `${digits(minutes, 1)}:${digits(rest, 2)}`;
}
