/** Wall, shelf, hood and counter: what is there whether anything cooks or not. Drawn past the edges for wide cells. */

import "./room.css";

const LEFT = -700;
const WIDTH = 2360;

const TILE = { width: 60, height: 22, top: 188, rows: 6 };

/** The joints between the tiles, every second row half a tile further. */
function joints(): string {
  const { width, height, top, rows } = TILE;
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    const y = top + row * height;
    lines.push(`M${LEFT} ${y}h${WIDTH}`);
    for (let x = LEFT + (row % 2) * (width / 2); x < LEFT + WIDTH; x += width) lines.push(`M${x} ${y}v${height}`);
  }
  return lines.join("");
}

const JOINTS = joints();

function Tiles() {
  return (
    <g>
      <rect x={LEFT} y="-400" width={WIDTH} height="588" class="nbt-k-wall" />
      <rect x={LEFT} y={TILE.top} width={WIDTH} height={TILE.rows * TILE.height} class="nbt-k-tile" />
      <path d={JOINTS} class="nbt-k-grout" />
      <rect x={LEFT} y="182" width={WIDTH} height="6" class="nbt-k-trim" />
    </g>
  );
}

function Hood() {
  return (
    <g>
      <rect x="468" y="-400" width="64" height="432" class="nbt-k-steel" />
      <rect x="468" y="-400" width="18" height="432" class="nbt-k-shine" />
      <path d="M452 30H548L574 74H426Z" class="nbt-k-steel" />
      <path d="M452 30H480L462 74H426Z" class="nbt-k-shine" />
      <rect x="418" y="72" width="164" height="12" rx="5" class="nbt-k-steel-dark" />
      <path
        d="M440 84h28v2a4 4 0 0 1-4 4h-20a4 4 0 0 1-4-4ZM532 84h28v2a4 4 0 0 1-4 4h-20a4 4 0 0 1-4-4Z"
        class="nbt-k-lamp"
      />
    </g>
  );
}

function Shelf() {
  return (
    <g>
      <path d="M214 128v16M356 128v16" class="nbt-k-bracket" />
      <rect x="196" y="118" width="178" height="10" rx="3" class="nbt-k-wood" />
      <rect x="196" y="125" width="178" height="3" rx="1.5" class="nbt-k-wood-dark" />
      {/* pasta, beans, paprika */}
      <rect x="208" y="66" width="34" height="52" rx="6" class="nbt-k-glass" />
      <path d="M212 84h26v26a4 4 0 0 1-4 4h-18a4 4 0 0 1-4-4Z" fill="#e9b44c" />
      <path d="M219 86v26M226 86v26M233 86v26" stroke="#c98f2b" stroke-width="2" />
      <rect x="206" y="60" width="38" height="9" rx="3" class="nbt-k-wood-dark" />
      <rect x="252" y="78" width="32" height="40" rx="6" class="nbt-k-glass" />
      <path d="M256 94h24v16a4 4 0 0 1-4 4h-16a4 4 0 0 1-4-4Z" fill="#b5533c" />
      <rect x="250" y="72" width="36" height="9" rx="3" class="nbt-k-wood-dark" />
      {/* basil in a pot */}
      <path
        d="M318 96c-16-2-22-14-20-24 12 0 20 8 20 24ZM320 96c-4-18 4-32 14-36 8 12 2 28-14 36ZM322 98c4-16 16-22 30-20 0 14-12 22-30 20Z"
        fill="#5a9a57"
      />
      <path d="M319 98c-12 0-20-4-24-12 10-4 20 0 24 12Z" fill="#47824a" />
      <path d="M302 94h36l-4 24h-28Z" fill="#c8714c" />
      <rect x="299" y="92" width="42" height="8" rx="3" fill="#b5623f" />
    </g>
  );
}

function Counter() {
  return (
    <g>
      <rect x={LEFT} y="330" width={WIDTH} height="404" class="nbt-k-cabinet" />
      <path d="M-20 350v90M170 350v90M360 350v90M640 350v90M800 350v90M980 350v90" class="nbt-k-seam" />
      <path d="M60 360h50M250 360h50M700 360h40M870 360h50" class="nbt-k-handle" />
      <rect x={LEFT} y="316" width={WIDTH} height="18" class="nbt-k-wood" />
      <rect x={LEFT} y="329" width={WIDTH} height="5" class="nbt-k-wood-dark" />
    </g>
  );
}

/** Board with vegetables, the trivet for a pot off the heat, and oil and pepper on the far side. */
function Things() {
  return (
    <g>
      <rect x="22" y="308" width="112" height="9" rx="4" class="nbt-k-board" />
      <path d="M32 306c10-8 34-10 52-3-18 8-42 9-52 3Z" fill="#e8833a" />
      <path d="M33 304c-8-5-13-4-17 0 4 3 9 4 17 2Z" fill="#5a9a57" />
      <circle cx="104" cy="295" r="13" fill="#d9483b" />
      <path d="M104 284c-5-4-9-3-10 0 4 2 7 2 10 0 3 2 6 2 10 0-1-3-5-4-10 0Z" fill="#4d8a4b" />
      <ellipse cx="99" cy="291" rx="3" ry="4" fill="#fff" opacity=".35" />
      <rect x="164" y="311" width="142" height="6" rx="3" class="nbt-k-board" />
      <path d="M842 317v-32c0-5 3-8 6-10v-12h12v12c3 2 6 5 6 10v32Z" fill="#a9b665" opacity=".95" />
      <rect x="846" y="256" width="16" height="9" rx="3" class="nbt-k-wood-dark" />
      <rect x="846" y="286" width="16" height="16" rx="2" fill="#f6efd9" opacity=".9" />
    </g>
  );
}

export function Room() {
  return (
    <g>
      <Tiles />
      <Hood />
      <Shelf />
    </g>
  );
}

export function Worktop() {
  return (
    <g>
      <Counter />
      <Things />
    </g>
  );
}
