import { mount } from "../shared/mount";
import { ControlPanel } from "./panel";

export default mount(ControlPanel);
