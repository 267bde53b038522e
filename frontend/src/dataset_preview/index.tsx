import { mount } from "../shared/mount";
import { DatasetPreview } from "./panel";

export default mount(DatasetPreview);
