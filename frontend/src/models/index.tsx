import { mount } from "../shared/mount";
import { Models } from "./panel";

export default mount(Models);
