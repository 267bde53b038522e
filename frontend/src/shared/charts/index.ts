export { Charts, type ChartsProps } from "./charts";
export { Swatch } from "./legend";
export { coloursOf } from "./palette";
export { REDRAW_MEASURE } from "./plot";
export { ChartTools } from "./tools";
export { View } from "./view";
