/** The chef's face: eyes, brows, moustache and mouth for each mood. Drawn around x = 0. */

import type { Mood } from "./story";

type Eyes = "open" | "closed" | "smiling" | "wide" | "down";

const EYES: Record<Mood, Eyes> = {
  cold: "closed",
  preheating: "down",
  simmering: "open",
  boiling: "open",
  finishing: "smiling",
  ready: "smiling",
  burnt: "wide",
  paused: "smiling",
  stopped: "open",
};

const BROWS: Record<Mood, string> = {
  cold: "M-23 136q8-3 15 0M8 136q7-3 15 0",
  preheating: "M-24 134q8-5 16-1M8 133q8-4 16 1",
  simmering: "M-24 135q8-6 16-2M8 133q8-4 16 2",
  boiling: "M-25 131 -8 137M25 131 8 137",
  finishing: "M-24 132q8-7 16-2M8 130q8-5 16 2",
  ready: "M-24 131q8-8 16-2M8 129q8-6 16 2",
  burnt: "M-25 133 -9 126M25 133 9 126",
  paused: "M-24 135q8-5 16-1M8 134q8-4 16 1",
  stopped: "M-24 134q8-4 16-1M8 133q8-3 16 1",
};

/** Under the moustache. The open ones are filled. */
const MOUTHS: Record<Mood, { path: string; open?: boolean }> = {
  cold: { path: "M-5 181q5 2 10 0" },
  preheating: { path: "M-7 180q7 4 14 0" },
  simmering: { path: "M-11 178q11 11 22 0" },
  boiling: { path: "M-7 178q7-4 14 0 1 9-7 9t-7-9Z", open: true },
  finishing: { path: "M-6 180q6 5 12 0" },
  ready: { path: "M-14 176Q0 181 14 176 12 191 0 191T-14 176Z", open: true },
  burnt: { path: "M-10 183q5-7 10-1t10 0" },
  paused: { path: "M-10 178q10 9 20 0" },
  stopped: { path: "M-8 180q8 5 16 0" },
};

export function Face({ mood }: { mood: Mood }) {
  const eyes = EYES[mood];
  return (
    <g class="nbt-k-face">
      <ellipse cx="-26" cy="166" rx="8" ry="5.5" class="nbt-k-cheek" />
      <ellipse cx="26" cy="166" rx="8" ry="5.5" class="nbt-k-cheek" />
      <g class="nbt-k-part" data-on={eyes === "open"}>
        <g class="nbt-k-blink">
          <ellipse cx="-15" cy="148" rx="4.5" ry="6" class="nbt-k-ink" />
          <ellipse cx="15" cy="148" rx="4.5" ry="6" class="nbt-k-ink" />
          <circle cx="-13.5" cy="146" r="1.6" fill="#fff" />
          <circle cx="16.5" cy="146" r="1.6" fill="#fff" />
        </g>
      </g>
      <path class="nbt-k-part nbt-k-stroke" data-on={eyes === "closed"} d="M-21 148q6 4 12 0M9 148q6 4 12 0" />
      <path class="nbt-k-part nbt-k-stroke" data-on={eyes === "smiling"} d="M-22 150q7-9 14 0M8 150q7-9 14 0" />
      <g class="nbt-k-part" data-on={eyes === "wide"}>
        <circle cx="-15" cy="147" r="9" fill="#fff" />
        <circle cx="15" cy="147" r="9" fill="#fff" />
        <circle cx="-15" cy="148" r="3.5" class="nbt-k-ink" />
        <circle cx="15" cy="148" r="3.5" class="nbt-k-ink" />
      </g>
      <g class="nbt-k-part" data-on={eyes === "down"}>
        <path d="M-22 146q7-5 14 0-1 8-7 8t-7-8ZM8 146q7-5 14 0-1 8-7 8t-7-8Z" fill="#fff" />
        <circle cx="-15" cy="151" r="3.5" class="nbt-k-ink" />
        <circle cx="15" cy="151" r="3.5" class="nbt-k-ink" />
        <path d="M-23 146q8-5 16 0M7 146q8-5 16 0" class="nbt-k-stroke" />
      </g>
      <path class="nbt-k-brow" d={BROWS[mood]} />
      {MOUTHS[mood].open ? (
        <path class="nbt-k-mouth-open" d={MOUTHS[mood].path} />
      ) : (
        <path class="nbt-k-stroke" d={MOUTHS[mood].path} />
      )}
      <ellipse cx="0" cy="160" rx="7.5" ry="6" class="nbt-k-nose" />
      <path
        d="M0 171C-6 164-20 162-31 170-25 178-10 179 0 173 10 179 25 178 31 170 20 162 6 164 0 171Z"
        class="nbt-k-moustache"
      />
      <g class="nbt-k-part" data-on={mood === "boiling"}>
        <path d="M34 128c5 7 5 12 0 12s-5-5 0-12Z" class="nbt-k-sweat" />
      </g>
      <g class="nbt-k-part" data-on={mood === "burnt"}>
        <path d="M-36 164q6-6 12-1-4 8-12 1ZM18 178q8-4 12 2-6 6-12-2ZM-8 130q8-4 14 1-7 6-14-1Z" class="nbt-k-soot" />
      </g>
      <g class="nbt-k-part" data-on={mood === "cold"}>
        <path class="nbt-k-zzz" d="M52 108h12l-12 13h12M70 84h16l-16 17h16" />
      </g>
    </g>
  );
}
