import { mount } from "../shared/mount";
import { LiveCharts } from "./panel";

export default mount(LiveCharts);
