/** Three shares that add up to one, whatever is moved. */

/** Training, validation, test. */
export type Ratios = readonly [number, number, number];

/** Shares are kept in steps of half a per cent, so that they can be read and add up exactly. */
const STEPS = 200;

/** The shares with the one at `index` moved to `value`: the others keep their proportion, as far as there is room. */
export function moved(ratios: Ratios, index: 0 | 1 | 2, value: number): Ratios {
  const lowest = index === 0 ? 1 : 0; // nothing can be learned from no rows
  const steps = clamp(Math.round(value * STEPS), lowest, STEPS - (index === 0 ? 0 : 1));
  const others = ([0, 1, 2] as const).filter((other) => other !== index);
  const [first, second] = others as [0 | 1 | 2, 0 | 1 | 2];
  const left = STEPS - steps;
  const sum = ratios[first] + ratios[second];
  const share = sum > 0 ? ratios[first] / sum : 0.5;
  let firstSteps = clamp(Math.round(left * share), 0, left);
  if (first === 0) firstSteps = Math.max(1, firstSteps);
  const found: [number, number, number] = [0, 0, 0];
  found[index] = steps / STEPS;
  found[first] = firstSteps / STEPS;
  found[second] = (left - firstSteps) / STEPS;
  return found;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
