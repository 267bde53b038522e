import { mount } from "../shared/mount";
import { HardwareMonitor } from "./panel";

export default mount(HardwareMonitor);
