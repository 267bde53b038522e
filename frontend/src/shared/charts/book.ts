/** The tracks of every series that a panel's charts draw, kept from redraw to redraw. */

import type { Rpc } from "../rpc";
import type { Series, Store } from "../store";
import type { Theme } from "../theme";
import { Detail } from "./detail";
import { type Group, groupMetrics } from "./groups";
import { coloursOf } from "./palette";
import type { Curve } from "./plot";
import { Track } from "./track";
import type { Range } from "./view";

/** A run to draw: its id, and its index into the palette. */
export interface ShownRun {
  run: string;
  name: string;
  colour: number;
}

/** A line, and whose it is. */
export interface BookedCurve extends Curve {
  run: ShownRun;
  validation: boolean;
  own: Track;
}

interface Entry {
  series: Series;
  track: Track;
  detail: Detail;
}

export class Book {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly store: Store,
    private readonly rpc: Pick<Rpc, "requestWithBuffers">,
    private readonly events: { arrived(): void; failed(error: unknown): void },
  ) {}

  groups(runs: readonly ShownRun[]): Group[] {
    return groupMetrics(runs.flatMap(({ run }) => this.store.names(run)));
  }

  /** The lines of one chart, each run's training before its validation. */
  curves(group: Group, runs: readonly ShownRun[], theme: Theme): BookedCurve[] {
    return runs.flatMap((run) => {
      const colours = coloursOf(run.colour, runs.length === 1, theme);
      const one = (name: string | null, colour: string, validation: boolean): BookedCurve[] => {
        const entry = name === null ? null : this.entry(run.run, name);
        if (!name || !entry) return [];
        const track = (zoom: Range | null): Track => (zoom ? entry.detail.track(zoom) : null) ?? entry.track;
        return [{ key: `${run.run}/${name}`, run, colour, validation, dashed: validation, own: entry.track, track }];
      };
      return [...one(group.training, colours.training, false), ...one(group.validation, colours.validation, true)];
    });
  }

  /** First to newest step of everything these runs measured. */
  extent(runs: readonly ShownRun[]): Range | null {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const { run } of runs) {
      for (const name of this.store.names(run)) {
        const steps = this.store.series(run, name)?.steps;
        if (!steps?.length) continue;
        first = Math.min(first, steps[0] as number);
        last = Math.max(last, steps.at(-1) as number);
      }
    }
    return first <= last ? [first, last] : null;
  }

  close(): void {
    for (const { detail } of this.entries.values()) detail.close();
    this.entries.clear();
  }

  private entry(run: string, name: string): Entry | null {
    const key = `${run}\n${name}`;
    const series = this.store.series(run, name);
    const known = this.entries.get(key);
    if (known && known.series === series) return known;
    known?.detail.close();
    this.entries.delete(key);
    if (!series) return null;
    const entry = { series, track: new Track(series), detail: new Detail(this.rpc, run, name, series, this.events) };
    this.entries.set(key, entry);
    return entry;
  }
}
