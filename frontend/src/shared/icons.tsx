/** The product's own icons: 16 × 16, drawn with one stroke in the colour of the text. */

const PATHS = {
  alert: "M8 2 14.5 13.5h-13Z M8 6.5v3 M8 11.6v.1",
  arrow_down: "M8 3v10 M4 9l4 4 4-4",
  arrow_up: "M8 13V3 M4 7l4-4 4 4",
  back: "M10 3 5 8l5 5",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8Z",
  braces:
    "M6 2.500C4 2.500 5.500 7 3 8c2.500 1 1 5.500 3 5.500 M10 2.500c2 0 .500 4.500 3 5.500-2.500 1-1 5.500-3 5.500",
  bulb: "M5.5 10.5a4.5 4.5 0 1 1 5 0v1.5h-5Z M6.5 14.5h3",
  calendar: "M2.500 3.500h11v10h-11Z M2.500 6.500h11 M5.500 2v3 M10.500 2v3",
  chart: "M2 2v12h12 M4.5 10.5 7 7l2.5 2 4-5",
  check: "m3 8.5 3.5 3.5L13 4.5",
  chevron: "m4 6 4 4 4-4",
  chip: "M4.5 4.5h7v7h-7Z M6.5 2v2.5 M9.5 2v2.5 M6.5 11.5V14 M9.5 11.5V14 M2 6.5h2.5 M2 9.5h2.5 M11.5 6.5H14 M11.5 9.5H14",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z M8 5v3.2l2.2 1.6",
  close: "m4 4 8 8 M12 4l-8 8",
  columns: "M2 3h12v10H2Z M6 3v10 M10 3v10",
  copy: "M5.500 5.500h8v8h-8Z M10.500 5.500v-3h-8v8h3",
  cube: "M8 1.5 14 4.7v6.6L8 14.5 2 11.300V4.7Z M2 4.7 8 8l6-3.300 M8 8v6.5",
  disk: "M2.5 4.5C2.5 3 13.5 3 13.5 4.5v7c0 1.5-11 1.5-11 0Z M2.5 4.5c0 1.5 11 1.5 11 0 M2.5 8c0 1.5 11 1.5 11 0",
  download: "M8 2.500v8 M4.5 7 8 10.5 11.5 7 M2.5 11v2.500h11V11",
  file: "M4 2h5l3 3v9H4Z M9 2v3h3",
  filter: "M2.500 3.500h11L9.500 8.500v4l-3 1.500V8.500Z",
  flame:
    "M8 1.5c.5 3 4.5 4.5 4.5 8.2a4.5 4.5 0 0 1-9 0C3.5 7.5 5 6.8 5.2 5c1 .4 1.5 1.2 1.6 2C7.8 5.5 8.3 3.5 8 1.500Z",
  gauge: "M2 11.500a6 6 0 1 1 12 0 M8 11.5 10.8 7.5 M4 13.500h8",
  globe: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z M2 8h12 M8 2c-4 4-4 8 0 12 M8 2c4 4 4 8 0 12",
  hash: "M6.500 2.500 5 13.500 M11 2.500 9.500 13.500 M3 6h10.500 M2.500 10H13",
  heart:
    "M8 13.500C4.500 11 2.500 8.700 2.500 6.300a2.800 2.800 0 0 1 5.500-.900 2.800 2.800 0 0 1 5.500.900c0 2.400-2 4.700-5.500 7.200Z",
  help: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z M6.2 6.500a1.8 1.8 0 1 1 2.6 1.600c-.6.3-.8.6-.8 1.2 M8 11.300v.1",
  hourglass: "M4 2h8 M4 14h8 M4.5 2c0 4 3.5 4 3.5 6s-3.5 2-3.5 6 M11.5 2c0 4-3.5 4-3.5 6s3.5 2 3.5 6",
  image: "M2.5 3h11v10h-11Z M2.5 11l3-3 2.500 2.500 2-2 3.500 3.500 M10.500 6v.1",
  list: "M5.5 4H14 M5.5 8H14 M5.5 12H14 M2.5 4v.1 M2.5 8v.1 M2.5 12v.1",
  lock: "M4 7.500h8v6H4Z M5.500 7.500V5a2.500 2.500 0 0 1 5 0v2.500",
  memory: "M2 5h12v5.500H2Z M4.5 10.500v2 M8 10.500v2 M11.5 10.500v2 M5 7.200v1 M8 7.200v1 M11 7.200v1",
  pencil: "m3 13 .600-2.900 7-7 2.300 2.300-7 7Z M9.200 4.500l2.300 2.300",
  pause: "M5.5 3.500v9 M10.5 3.500v9",
  play: "M5 3v10l8-5Z",
  plug: "M5.5 2v3.5 M10.5 2v3.5 M4 5.500h8V8a4 4 0 0 1-8 0Z M8 12v2.5",
  plus: "M8 3v10 M3 8h10",
  pot: "M3 7h10v4.500a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z M1.5 8.500H3 M13 8.500h1.5 M2.5 5h11 M7 5V3.500h2V5",
  reset: "M3.2 6.500A5.2 5.2 0 1 1 3 9.5 M3 3v3.500h3.5",
  save: "M3 2.500h8l2.5 2.500v8.500H3Z M5.5 2.500V6h4.500V2.5 M5.5 13.500v-4h5v4",
  search: "M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 1 1 0-9Z M10.300 10.300 14 14",
  sliders: "M2 5h6 M12 5h2 M10 3.200v3.6 M2 11h2 M8 11h6 M6 9.200v3.6",
  sound: "M2.5 6h2.500l3-2.500v9L5 10H2.500Z M10.500 6a2.800 2.800 0 0 1 0 4 M12.300 4.200a5.300 5.300 0 0 1 0 7.600",
  stop: "M4 4h8v8H4Z",
  table: "M2 3h12v10H2Z M2 6.400h12 M2 9.700h12 M6.500 6.400V13",
  text: "M3 3.500h10 M3 6.500h10 M3 9.500h10 M3 12.500h6",
  tag: "M2.500 2.500h5.500l5.500 5.500-5.500 5.500L2.500 8Z M5.300 5.300v.1",
  thermometer: "M6.5 9V3.500a1.5 1.5 0 0 1 3 0V9a3 3 0 1 1-3 0Z M8 7v4",
  toggle:
    "M5 4.500h6a3.500 3.500 0 0 1 0 7H5a3.500 3.500 0 0 1 0-7Z M11 6.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 1 1 0-3Z",
  trash: "M3 4.500h10 M6 4.500v-2h4v2 M4.300 4.500 5 13.500h6l.700-9 M6.800 7v4 M9.200 7v4",
  upload: "M8 10.500v-8 M4.5 6 8 2.5 11.5 6 M2.5 11v2.500h11V11",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: ReadonlySet<IconName> = new Set(["play", "stop"]);

export function isIcon(name: string): name is IconName {
  return Object.hasOwn(PATHS, name);
}

/** Decoration only: the word beside it is what a screen reader says. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="nbt-icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={FILLED.has(name) ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
