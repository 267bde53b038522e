/** Points that Python has and the browser has not: fetched for the stretch that was zoomed into. */

import { RequestError, type Rpc } from "../rpc";
import { floats, Series } from "../store";
import { LIMIT, lowerBound } from "./decimate";
import { Track } from "./track";
import type { Range } from "./view";

const WAIT_MS = 150;

/** What Python answers to `range`. */
interface RangeReply {
  name: string;
  first: number;
  last: number;
  count: number;
}

interface Patch {
  range: Range;
  generation: number;
  track: Track;
}

/** True when Python has points between these steps that are not held here, and a chart could show them. */
export function lacksDetail(series: Series, [first, last]: Range): boolean {
  if (series.total <= series.length) return false;
  const { steps } = series;
  const from = lowerBound(steps, steps.length, first);
  const to = lowerBound(steps, steps.length, Math.floor(last) + 1, from);
  return to - from < LIMIT && to - from < last - first;
}

/** The fetched stretches of one series, newest only. */
export class Detail {
  private patch: Patch | null = null;
  private asked: Range | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly rpc: Pick<Rpc, "requestWithBuffers">,
    private readonly run: string,
    private readonly name: string,
    private readonly series: Series,
    private readonly events: { arrived(): void; failed(error: unknown): void },
  ) {}

  /** The fetched track when it covers `zoom`, with what has come since added to it; else null, and it is asked for. */
  track(zoom: Range): Track | null {
    const { patch } = this;
    const covers = patch !== null && patch.range[0] <= zoom[0] && zoom[1] <= patch.range[1];
    if (covers && patch.generation === this.series.generation) {
      this.follow(patch);
      if (!this.coarse(patch, zoom)) return patch.track;
      this.ask(zoom);
      return patch.track;
    }
    this.patch = null;
    if (lacksDetail(this.series, zoom)) this.ask(zoom);
    return null;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** A stretch fetched for a wider view was thinned out as well. */
  private coarse(patch: Patch, zoom: Range): boolean {
    const share = (zoom[1] - zoom[0]) / (patch.range[1] - patch.range[0]);
    return share < 0.5 && patch.track.series.total > patch.track.series.length;
  }

  private follow({ track, range }: Patch): void {
    const { steps, values } = this.series;
    const known = track.series.steps.at(-1) ?? Number.NEGATIVE_INFINITY;
    const from = lowerBound(steps, steps.length, Math.floor(known) + 1);
    const to = lowerBound(steps, steps.length, Math.floor(range[1]) + 1, from);
    if (to > from) track.series.append(values.slice(from, to), (index) => steps[from + index] as number);
  }

  private ask(zoom: Range): void {
    if (this.asked && this.asked[0] === zoom[0] && this.asked[1] === zoom[1]) return;
    this.asked = zoom;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.fetch(zoom), WAIT_MS);
  }

  private async fetch(zoom: Range): Promise<void> {
    const { generation } = this.series;
    const fields = {
      run: this.run,
      name: this.name,
      first: Math.max(0, Math.ceil(zoom[0])),
      last: Math.floor(zoom[1]),
      points: LIMIT,
    };
    try {
      const { result, buffers } = await this.rpc.requestWithBuffers<RangeReply>("range", fields);
      const series = new Series();
      const values = floats(buffers[1], result.count);
      const steps = buffers[0] as DataView;
      series.append(values, (index) => steps.getInt32(index * 4, true));
      // As many as were asked for: there may be more behind.
      series.total = result.count >= LIMIT * 0.9 ? Number.POSITIVE_INFINITY : result.count;
      this.patch = { range: zoom, generation, track: new Track(series) };
      this.events.arrived();
    } catch (error) {
      // A kernel that was gone may be there again at the next look; what it refuses, it would refuse again.
      if (error instanceof RequestError && error.kind === "gone") this.asked = null;
      this.events.failed(error);
    }
  }
}
