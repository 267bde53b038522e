import { mount } from "../shared/mount";
import { Datasets } from "./panel";

export default mount(Datasets);
