/** The chef: hat, jacket, and arms that do what the mood asks for. Drawn around x = 0; the scene moves him. */

import { Face } from "./face";
import type { Mood } from "./story";
import "./chef.css";

/** What the arms can do. */
type Gesture = "stir" | "hip" | "recipe" | "taste" | "mug" | "serve" | "dismay" | "fold" | "wave" | "hipLeft";

const GESTURES: Record<Mood, readonly Gesture[]> = {
  cold: ["fold"],
  preheating: ["recipe"],
  simmering: ["stir", "hip"],
  boiling: ["stir", "hip"],
  finishing: ["stir", "taste"],
  ready: ["serve", "hip"],
  burnt: ["dismay"],
  paused: ["mug", "hipLeft"],
  stopped: ["wave", "hipLeft"],
};

export function Chef({ mood }: { mood: Mood }) {
  const doing = new Set(GESTURES[mood]);
  const part = (gesture: Gesture, drawing: preact.JSX.Element) => (
    <g class="nbt-k-part" data-on={doing.has(gesture)}>
      {drawing}
    </g>
  );
  return (
    <g transform="translate(745 0)">
      <g class="nbt-k-chef" data-mood={mood}>
        {part("hip", <HipArm />)}
        {part(
          "hipLeft",
          <g transform="scale(-1 1)">
            <HipArm />
          </g>,
        )}
        {part("dismay", <DismaySleeves />)}
        <Body />
        <g class="nbt-k-head">
          <Head />
          <Face mood={mood} />
        </g>
        {part("fold", <FoldedArms />)}
        {part("recipe", <Recipe />)}
        {part("stir", <StirringArm />)}
        {part("taste", <TastingArm />)}
        {part("mug", <MugArm />)}
        {part("serve", <ServingArm />)}
        {part("wave", <WavingArm />)}
        {part("dismay", <DismayHands />)}
      </g>
    </g>
  );
}

function Body() {
  return (
    <g>
      <path d="M-64 340C-70 268-64 224-36 210Q0 196 36 210C64 224 70 268 64 340Z" class="nbt-k-jacket" />
      <path d="M64 340C70 268 64 224 36 210 52 240 50 292 40 340Z" class="nbt-k-jacket-shade" />
      <path d="M0 214V340" class="nbt-k-jacket-seam" />
      {[238, 262, 286].map((y) => (
        <g key={y} class="nbt-k-button">
          <circle cx="-13" cy={y} r="3.2" />
          <circle cx="13" cy={y} r="3.2" />
        </g>
      ))}
      <path d="M-14 184h28v22q-14 12-28 0Z" class="nbt-k-skin-shade" />
      <path d="M-30 206Q0 228 30 206L24 196Q0 212-24 196Z" class="nbt-k-scarf" />
      <path d="M-6 214-16 236-3 228 4 240 9 214Z" class="nbt-k-scarf" />
    </g>
  );
}

function Head() {
  return (
    <g>
      <circle cx="-40" cy="152" r="8" class="nbt-k-skin-shade" />
      <circle cx="40" cy="152" r="8" class="nbt-k-skin-shade" />
      <path d="M-40 120H40V154C40 180 22 196 0 196S-40 180-40 154Z" class="nbt-k-skin" />
      <path d="M-41 112H41V146C34 142 34 128 32 120H-32C-34 128-34 142-41 146Z" class="nbt-k-hair" />
      <path d="M-42 100C-70 94-72 54-42 50-38 24-8 20 2 34 16 16 52 26 48 52 74 56 70 94 42 100Z" class="nbt-k-hat" />
      <path d="M42 100C70 94 74 56 48 52 56 72 44 88 28 100Z" class="nbt-k-hat-shade" />
      <path d="M-20 96C-26 84-26 74-22 64M4 96C4 84 4 76 8 66" class="nbt-k-hat-fold" />
      <path d="M-43 98Q0 90 43 98V122Q0 114-43 122Z" class="nbt-k-hat" />
      <path d="M-43 116Q0 108 43 116V122Q0 114-43 122Z" class="nbt-k-hat-shade" />
    </g>
  );
}

/** A stroke with an edge: the line once broad and dark, once narrower and white. */
function Sleeve({ path }: { path: string }) {
  return (
    <g>
      <path d={path} class="nbt-k-sleeve-edge" />
      <path d={path} class="nbt-k-sleeve" />
    </g>
  );
}

function Hand({ x, y }: { x: number; y: number }) {
  return <circle cx={x} cy={y} r="12" class="nbt-k-skin" />;
}

function HipArm() {
  return (
    <g>
      <Sleeve path="M46 234C104 244 98 286 58 296" />
      <Hand x={56} y={297} />
    </g>
  );
}

function StirringArm() {
  return (
    <g class="nbt-k-stir">
      <path d="M-112 82-198 156" class="nbt-k-ladle" />
      <circle cx="-110" cy="80" r="5" class="nbt-k-ladle-end" />
      <Sleeve path="M-46 236C-92 236-112 180-120 112" />
      <path d="M-112 122-128 118" class="nbt-k-cuff" />
      <Hand x={-125} y={96} />
    </g>
  );
}

function TastingArm() {
  return (
    <g>
      <Sleeve path="M46 236C92 236 84 196 44 194" />
      <path d="M40 192 8 182" class="nbt-k-ladle" />
      <ellipse cx="4" cy="181" rx="9" ry="6" class="nbt-k-ladle-end" />
      <Hand x={38} y={193} />
    </g>
  );
}

function Recipe() {
  return (
    <g>
      <Sleeve path="M-46 236C-84 262-74 290-46 276M46 236C84 262 74 290 46 276" />
      <g transform="rotate(-4 0 262)">
        <path d="M-42 232Q-20 226 0 234 20 226 42 232V288Q20 282 0 290-20 282-42 288Z" class="nbt-k-paper" />
        <path d="M0 234V290" class="nbt-k-paper-line" />
        <path
          d="M-34 244q14-4 26 1M-34 254q14-4 26 1M-34 264q14-4 20 0M8 245q12-5 26-1M8 255q12-5 26-1M8 265q12-5 18-2"
          class="nbt-k-paper-line"
        />
      </g>
      <Hand x={-44} y={274} />
      <Hand x={44} y={270} />
    </g>
  );
}

function MugArm() {
  return (
    <g>
      <Sleeve path="M46 236C98 248 96 214 74 206" />
      <path d="M74 180h8a7 7 0 0 1 0 15h-8" class="nbt-k-mug-handle" />
      <path d="M44 176H76V202a6 6 0 0 1-6 6H50a6 6 0 0 1-6-6Z" class="nbt-k-mug" />
      <path d="M54 170c-5-6 5-9 0-16M66 170c-5-6 5-9 0-16" class="nbt-k-mug-steam" />
      <Hand x={70} y={202} />
    </g>
  );
}

/** A plate held high, with sparks around. */
function ServingArm() {
  return (
    <g class="nbt-k-serve">
      <Sleeve path="M-46 236C-96 240-104 192-102 146" />
      <path d="M-111 150-93 150" class="nbt-k-cuff" />
      <Hand x={-102} y={130} />
      <g transform="translate(10 -8)">
        <ellipse cx="-112" cy="124" rx="54" ry="8" class="nbt-k-plate" />
        <ellipse cx="-112" cy="121" rx="40" ry="5" class="nbt-k-plate-shade" />
        <path d="M-148 120C-146 96-130 88-112 88S-78 96-76 120Q-112 126-148 120Z" fill="#e9a94c" />
        <path d="M-140 108q8-8 14 0t14 0 14 0 14-2M-134 98q8-6 12 0t12 0 12 0" class="nbt-k-noodle" />
        <circle cx="-122" cy="92" r="7" fill="#d9483b" />
        <circle cx="-102" cy="93" r="6" fill="#d9483b" />
        <path d="M-112 90c-10-2-12-10-8-16 8 2 12 8 8 16ZM-111 90c0-10 8-14 15-12 0 8-7 13-15 12Z" fill="#5a9a57" />
        {SPARKS.map(({ x, y, size }, index) => (
          <path key={x} d={star(x, y, size)} class="nbt-k-spark" style={{ "--k-delay": `${-index * 0.4}s` }} />
        ))}
      </g>
    </g>
  );
}

const SPARKS = [
  { x: -172, y: 92, size: 10 },
  { x: -56, y: 66, size: 8 },
  { x: -112, y: 50, size: 8 },
  { x: -156, y: 58, size: 6 },
] as const;

/** A spark with four points. */
function star(x: number, y: number, size: number): string {
  const s = size * 0.24;
  return `M${x} ${y - size}L${x + s} ${y - s} ${x + size} ${y} ${x + s} ${y + s} ${x} ${y + size} ${x - s} ${y + s} ${x - size} ${y} ${x - s} ${y - s}Z`;
}

function WavingArm() {
  return (
    <g class="nbt-k-wave">
      <Sleeve path="M46 236C98 240 104 200 98 164" />
      <path d="M90 166 108 164" class="nbt-k-cuff" />
      <Hand x={98} y={146} />
      <path d="M90 140 88 128M96 136V123M103 136 105 124M108 142 114 133" class="nbt-k-fingers" />
    </g>
  );
}

function DismaySleeves() {
  return <Sleeve path="M-44 236C-104 228-96 172-54 160M44 236C104 228 96 172 54 160" />;
}

function DismayHands() {
  return (
    <g>
      <Hand x={-45} y={154} />
      <Hand x={45} y={154} />
    </g>
  );
}

function FoldedArms() {
  return (
    <g>
      <Sleeve path="M46 236C74 282 30 290-26 272" />
      <Sleeve path="M-46 236C-74 282-30 290 26 268" />
      <Hand x={30} y={266} />
    </g>
  );
}
