/** The stove with its knob, and the fire on it. */

import "./stove.css";

/** Where a tongue of the flame stands, how high and wide it is at full heat, and how far it leans. */
const TONGUES = [
  { x: 430, height: 84, width: 22, lean: -36 },
  { x: 447, height: 52, width: 26, lean: -10 },
  { x: 473, height: 44, width: 28, lean: -3 },
  { x: 500, height: 48, width: 30, lean: 2 },
  { x: 527, height: 44, width: 28, lean: 3 },
  { x: 553, height: 52, width: 26, lean: 10 },
  { x: 570, height: 84, width: 22, lean: 36 },
] as const;

const LAYERS = [
  { name: "outer", size: 1 },
  { name: "middle", size: 0.68 },
  { name: "core", size: 0.36 },
] as const;

/** A tongue of fire over the origin: round below, one side bent more than the other. */
function tongue(height: number, width: number, lean: number): string {
  const half = width / 2;
  const at = (x: number, y: number): string => `${(x * half).toFixed(1)} ${(-y * height).toFixed(1)}`;
  const tip = `${lean} ${-height}`;
  const bend = lean / half;
  return (
    `M${at(-0.6, 0)}C${at(-1.5, 0.22)} ${at(-1 + bend * 0.3, 0.5)} ${at(-0.25 + bend * 0.6, 0.68)}` +
    `C${at(bend * 0.85, 0.8)} ${at(bend * 0.95, 0.9)} ${tip}` +
    `C${at(0.5 + bend, 0.82)} ${at(0.75 + bend * 0.6, 0.6)} ${at(1 + bend * 0.25, 0.36)}` +
    `C${at(1.25, 0.18)} ${at(1.05, 0.04)} ${at(0.6, 0)}Z`
  );
}

export function Flame({ height }: { height: number }) {
  return (
    <g class="nbt-k-flame nbt-k-part" data-on={height > 0}>
      <ellipse cx="500" cy="284" rx="108" ry="20" class="nbt-k-glow" />
      {TONGUES.map(({ x, height: full, width, lean }, index) => (
        <g key={x} transform={`translate(${x} 301)`}>
          <g class="nbt-k-tongue" style={{ "--k-height": 0.25 + 0.75 * height, "--k-delay": `${-index * 0.13}s` }}>
            {LAYERS.map(({ name, size }) => (
              <path
                key={name}
                class={`nbt-k-flame-${name}`}
                d={tongue(full * size, width * (0.4 + 0.6 * size), lean * size)}
              />
            ))}
          </g>
        </g>
      ))}
    </g>
  );
}

export function Stove({ flame }: { flame: number }) {
  return (
    <g>
      <rect x="376" y="316" width="248" height="160" class="nbt-k-stove" />
      <rect x="376" y="316" width="248" height="6" class="nbt-k-stove-dark" opacity=".5" />
      <rect x="404" y="362" width="192" height="90" rx="10" class="nbt-k-stove-dark" />
      <rect x="414" y="378" width="172" height="70" rx="6" class="nbt-k-oven" />
      <path d="M424 384h28l-22 60h-6Z" class="nbt-k-shine" />
      <rect x="414" y="354" width="172" height="7" rx="3.5" class="nbt-k-steel" />
      <rect x="364" y="304" width="272" height="14" rx="6" class="nbt-k-stove-dark" />
      {[418, 459, 541, 582].map((x) => (
        <Knob key={x} x={x} turn={x === 459 ? flame : 0} />
      ))}
      <circle cx="500" cy="337" r="4" class="nbt-k-pilot" data-on={flame > 0} />
    </g>
  );
}

/** Upright is off; the further it is turned, the more gas. */
function Knob({ x, turn }: { x: number; turn: number }) {
  return (
    <g transform={`translate(${x} 337)`}>
      <circle r="11" class="nbt-k-knob" />
      <g class="nbt-k-turn" style={{ transform: `rotate(${turn === 0 ? 0 : 50 + turn * 130}deg)` }}>
        <path d="M0-9V-1" class="nbt-k-knob-mark" />
      </g>
    </g>
  );
}

/** Burner and pot stand. In front of the flame. */
export function Grate() {
  return (
    <g>
      <path d="M462 304v-2a6 6 0 0 1 6-6h64a6 6 0 0 1 6 6v2Z" class="nbt-k-iron" />
      <path d="M420 305 427 259H573L580 305" class="nbt-k-grate" />
    </g>
  );
}
