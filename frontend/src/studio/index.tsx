import { mount } from "../shared/mount";
import { Studio } from "./studio";

export default mount(Studio);
