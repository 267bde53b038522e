/** The pot: body in the colour of the state, soup, bubbles, steam, lid, smoke. */

import type { Story } from "./story";
import "./pot.css";

const BUBBLES = [
  { x: 452, y: 151, r: 6 },
  { x: 524, y: 148, r: 7 },
  { x: 486, y: 155, r: 5 },
  { x: 552, y: 153, r: 5 },
  { x: 468, y: 147, r: 4 },
  { x: 507, y: 152, r: 8 },
  { x: 436, y: 153, r: 4 },
  { x: 538, y: 157, r: 4 },
] as const;

const STEAM = [
  { x: 462, delay: 0 },
  { x: 500, delay: -1.3 },
  { x: 538, delay: -2.4 },
] as const;

const SMOKE = [
  { x: 470, r: 17, delay: 0 },
  { x: 520, r: 21, delay: -0.9 },
  { x: 492, r: 26, delay: -1.8 },
  { x: 540, r: 15, delay: -2.7 },
] as const;

export function Pot({ story }: { story: Story }) {
  const burnt = story.mood === "burnt";
  const bubbles = Math.round(story.bubbling * BUBBLES.length);
  return (
    <g class="nbt-k-pot" data-off={story.potOffHeat}>
      <g class="nbt-k-steam nbt-k-part" data-on={story.steam > 0} style={{ "--k-steam": Math.min(1, story.steam) }}>
        {STEAM.map(({ x, delay }) => (
          <path key={x} d={`M${x} 142c-14-13 12-23 0-37s9-20 2-31`} style={{ "--k-delay": `${delay}s` }} />
        ))}
      </g>
      {/* handles, behind the body */}
      <path d="M408 176h-14a9 9 0 0 0 0 18h14M592 176h14a9 9 0 0 1 0 18h-14" class="nbt-k-pot-handle" />
      <path d="M402 150V222C402 244 416 257 438 257H562C584 257 598 244 598 222V150Z" class="nbt-k-pot-body" />
      <path
        d="M402 208V222C402 244 416 257 438 257H562C584 257 598 244 598 222V208C598 230 584 242 562 242H438C416 242 402 230 402 208Z"
        class="nbt-k-shade"
      />
      <path d="M418 178v38" class="nbt-k-gleam" />
      <ellipse cx="500" cy="151" rx="100" ry="16" class="nbt-k-pot-rim" />
      <ellipse cx="500" cy="152" rx="91" ry="11.5" class="nbt-k-pot-inside" />
      <g class="nbt-k-part" data-on={!story.lid}>
        <path d="M410.4 154A91 11.5 0 0 1 589.6 154A91 11.5 0 0 1 410.4 154Z" class="nbt-k-soup" data-burnt={burnt} />
        <g class="nbt-k-part" data-on={!burnt}>
          <path d="M461 156q9-5 18 0-9 4-18 0ZM526 159q8-4 16 0-8 3-16 0Z" fill="#e8833a" />
          <path d="M495 160q5-5 10-1-5 3-10 1ZM556 154q4-4 8-1-4 3-8 1ZM440 158q4-4 8-1-4 3-8 1Z" fill="#4d8a4b" />
        </g>
        {BUBBLES.map(({ x, y, r }, index) => (
          <g key={x} class="nbt-k-part" data-on={index < bubbles}>
            <circle cx={x} cy={y} r={r} class="nbt-k-bubble" style={{ "--k-delay": `${-index * 0.37}s` }} />
          </g>
        ))}
      </g>
      <g class="nbt-k-part" data-on={story.lid}>
        <path d="M398 151C404 116 446 100 500 100S596 116 602 151C574 163 426 163 398 151Z" class="nbt-k-pot-body" />
        <path d="M398 151C426 163 574 163 602 151L601 145C572 156 428 156 399 145Z" class="nbt-k-shade" />
        <path d="M428 132c8-10 22-16 36-18" class="nbt-k-gleam" />
        <path d="M491 101v-5h18v5Z" class="nbt-k-iron" />
        <ellipse cx="500" cy="93" rx="15" ry="7" class="nbt-k-iron" />
      </g>
      <g class="nbt-k-part" data-on={burnt}>
        <path
          d="M440 162c2 20-8 26 0 44s-4 22 2 34c8-10 4-20 10-34s-2-30 2-44ZM520 163c4 14-4 26 6 40s-2 20 4 30c8-12 0-22 6-34s-4-24 0-36ZM560 160c2 12-4 18 2 28 6-8 4-18 6-28Z"
          class="nbt-k-soot"
        />
        {SMOKE.map(({ x, r, delay }) => (
          <circle key={x} cx={x} cy={120} r={r} class="nbt-k-smoke" style={{ "--k-delay": `${delay}s` }} />
        ))}
      </g>
    </g>
  );
}
