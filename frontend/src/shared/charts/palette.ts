/** Colours of the lines: design's yellow and blue for a run on its own, Okabe–Ito to tell several apart. */

import type { Theme } from "../theme";

/** One run's two lines. */
export interface Pair {
  training: string;
  validation: string;
}

const OWN: Record<Theme, Pair> = {
  light: { training: "#A16207", validation: "#2563EB" },
  dark: { training: "#FDE047", validation: "#60A5FA" },
};

/**
 * Okabe & Ito (2008) without black, yellow and blue, which the first run has: bluish green, vermillion, reddish
 * purple, sky blue, orange. On light ground the paler ones are darkened until they reach 3:1 against white.
 */
const FURTHER: Record<Theme, readonly string[]> = {
  light: ["#009E73", "#D55E00", "#B5568E", "#2E8BC0", "#B87F00"],
  dark: ["#2BC79A", "#F0803C", "#CC79A7", "#56B4E9", "#E69F00"],
};

/**
 * The colours of a run with palette index `colour`. A run shown alone is yellow and blue whatever its index;
 * among several the index decides, so that a run looks the same in every chart.
 */
export function coloursOf(colour: number, alone: boolean, theme: Theme): Pair {
  if (alone || colour <= 0) return OWN[theme];
  const further = FURTHER[theme];
  const line = further[(colour - 1) % further.length] as string;
  return { training: line, validation: line };
}
