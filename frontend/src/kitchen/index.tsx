import { mount } from "../shared/mount";
import { Kitchen } from "./panel";

export default mount(Kitchen);
