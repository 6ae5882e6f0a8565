export { DescriptorFileSource } from "./source.ts";
