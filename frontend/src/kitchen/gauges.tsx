/** Thermometer (progress) and timer (time left) on the wall. */

import { useWords } from "../shared/i18n";
import type { Story } from "./story";
import { timerText } from "./story";
import "./gauges.css";

const TUBE = { top: 66, bottom: 246 };
/** Where one stage ends and the next begins. */
const MARKS = [0, 0.3, 0.7, 1] as const;
const ZONES = [
  { from: 0, to: 0.3, stage: "simmering" },
  { from: 0.3, to: 0.7, stage: "boiling" },
  { from: 0.7, to: 1, stage: "finishing" },
] as const;

function heightOf(share: number): number {
  return TUBE.bottom - share * (TUBE.bottom - TUBE.top);
}

export function Thermometer({ progress }: { progress: number }) {
  const words = useWords();
  return (
    <g>
      <rect x="852" y="36" width="98" height="262" rx="16" class="nbt-k-plaque" />
      {ZONES.map(({ from, to, stage }) => (
        <rect
          key={stage}
          x="927"
          y={heightOf(to) + 1}
          width="6"
          height={heightOf(from) - heightOf(to) - 2}
          rx="3"
          class={`nbt-k-zone-${stage}`}
        />
      ))}
      {MARKS.map((mark) => (
        <g key={mark}>
          <path d={`M917 ${heightOf(mark)}h6`} class="nbt-k-mark" />
          <text x="897" y={heightOf(mark) + 5} class="nbt-k-scale">
            {words.percent(mark).replace(/[\s\u200e\u200f]/g, "")}
          </text>
        </g>
      ))}
      <rect x="903" y="54" width="14" height="206" rx="7" class="nbt-k-tube" />
      <circle cx="910" cy="268" r="16" class="nbt-k-tube" />
      <circle cx="910" cy="268" r="12" class="nbt-k-mercury" />
      <rect
        x="906"
        y={TUBE.top}
        width="8"
        height={TUBE.bottom - TUBE.top + 16}
        rx="4"
        class="nbt-k-mercury nbt-k-column"
        style={{ transform: `scaleY(${(16 + progress * (TUBE.bottom - TUBE.top)) / (16 + TUBE.bottom - TUBE.top)})` }}
      />
      <path d="M905 262q2-5 6-5" class="nbt-k-gleam-small" />
    </g>
  );
}

const RADIUS = 56;
const ROUND = 2 * Math.PI * RADIUS;

export function Timer({ story }: { story: Story }) {
  const words = useWords();
  const { mood, progress, secondsLeft } = story;
  const left = mood === "ready" ? 0 : 1 - progress;
  const running = secondsLeft !== null;
  const text = running
    ? timerText(secondsLeft, (value, width) => words.number(value, { minimumIntegerDigits: width, useGrouping: false }))
    : null;
  return (
    <g transform="translate(108 112)">
      <path d="M-10-78h20v12h-20Z" class="nbt-k-steel-dark" />
      <circle cx="0" cy="-80" r="9" class="nbt-k-timer-bell" />
      <circle r="70" class="nbt-k-timer-case" />
      <circle r="62" class="nbt-k-plaque" />
      {Array.from({ length: 12 }, (_, hour) => (
        <path key={hour} d="M0-47V-42" class="nbt-k-mark" transform={`rotate(${hour * 30})`} />
      ))}
      <circle r={RADIUS} class="nbt-k-timer-track" />
      <circle
        r={RADIUS}
        class="nbt-k-timer-left"
        transform="rotate(-90)"
        stroke-dasharray={`${left * ROUND} ${ROUND}`}
        data-on={left > 0 && mood !== "cold"}
      />
      {text !== null ? (
        <>
          <text y="4" class="nbt-k-timer-text" data-long={text.length > 5}>
            {text}
          </text>
          <text y="24" class="nbt-k-timer-word">
            {words.t("kitchen.left")}
          </text>
        </>
      ) : (
        <Sign mood={mood} />
      )}
    </g>
  );
}

/** No time to tell: what happened instead. */
function Sign({ mood }: { mood: Story["mood"] }) {
  if (mood === "ready") return <path d="M-20 2-6 16 22-14" class="nbt-k-sign" />;
  if (mood === "burnt") return <path d="M0-22V6M0 18v.5" class="nbt-k-sign" />;
  if (mood === "stopped") return <rect x="-15" y="-15" width="30" height="30" rx="4" class="nbt-k-sign-full" />;
  if (mood === "paused") return <path d="M-10-16V16M10-16V16" class="nbt-k-sign" />;
  return <path d="M0-28V0L18 12" class="nbt-k-hands" />;
}
