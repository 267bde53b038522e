/** The whole picture, back to front. */

import { Chef } from "./chef";
import { Thermometer, Timer } from "./gauges";
import { Pot } from "./pot";
import { Room, Worktop } from "./room";
import type { Story } from "./story";
import "./colours.css";
import "./movement.css";
import { Flame, Grate, Stove } from "./stove";

export function Scene({ story, label }: { story: Story; label: string }) {
  return (
    <svg class="nbt-kitchen-scene" viewBox="0 0 960 400" role="img" aria-label={label} direction="ltr">
      <Room />
      <Thermometer progress={story.progress} />
      <Timer story={story} />
      <Chef mood={story.mood} />
      <Worktop />
      <Stove flame={story.flame} />
      <Flame height={story.flame} />
      <Grate />
      <Pot story={story} />
      <Bell ringing={story.mood === "ready"} />
    </svg>
  );
}

/** The pass bell on the worktop. */
function Bell({ ringing }: { ringing: boolean }) {
  return (
    <g transform="translate(672 317)">
      <g class="nbt-k-bell" data-on={ringing}>
        <path d="M-20-4C-20-20-12-28 0-28S20-20 20-4Z" class="nbt-k-brass" />
        <path d="M-12-8c0-8 3-13 7-15" class="nbt-k-gleam-small" />
        <circle cy="-31" r="4" class="nbt-k-brass" />
      </g>
      <rect x="-24" y="-5" width="48" height="5" rx="2.5" class="nbt-k-iron" />
      <path d="M-30-30q-6 8-3 18M30-30q6 8 3 18" class="nbt-k-ring nbt-k-part" data-on={ringing} />
    </g>
  );
}
