/** Which metrics share a chart, and in what order the charts stand. */

const VALIDATION = "val_";
/** Progress of the machine comes after what is learnt. */
const LAST = ["learning_rate", "samples_per_second", "tokens_per_second", "steps_per_second", "grad_norm"];
/** The loss once more, as its mean over an epoch: the curve of the loss shows it. */
const NOT_DRAWN = "train_loss";

export interface Group {
  /** The metric's name without `val_`. */
  name: string;
  /** The series measured in training and in validation, where there are such. */
  training: string | null;
  validation: string | null;
}

/** Loss first, then the task's metrics as they came, then learning rate, throughput and gradient norm. */
export function groupMetrics(names: Iterable<string>): Group[] {
  const groups = new Map<string, Group>();
  for (const name of names) {
    if (name === NOT_DRAWN) continue;
    const validation = name.startsWith(VALIDATION) && name.length > VALIDATION.length;
    const base = validation ? name.slice(VALIDATION.length) : name;
    const group = groups.get(base) ?? { name: base, training: null, validation: null };
    if (validation) group.validation = name;
    else group.training = name;
    groups.set(base, group);
  }
  return [...groups.values()].sort((a, b) => rank(a.name) - rank(b.name));
}

/** The four that a small panel has room for: loss, the task's first metric, learning rate, throughput. */
export function fewGroups(groups: readonly Group[], count = 4): Group[] {
  if (groups.length <= count) return [...groups];
  const metrics = groups.filter((group) => rank(group.name) === 1).slice(0, 1);
  const others = groups.filter((group) => rank(group.name) !== 1);
  const loss = others.filter((group) => group.name === "loss");
  return [...loss, ...metrics, ...others.filter((group) => group.name !== "loss")].slice(0, count);
}

function rank(name: string): number {
  if (name === "loss") return 0;
  const place = LAST.indexOf(name);
  return place < 0 ? 1 : 2 + place;
}
