export { ContentFingerprint } from "./content-fingerprint.ts";
export {
  type FileFault,
  FileReadError,
  type FoundFile,
  type FoundFiles,
  findFiles,
  readFoundFile,
  type SearchLimits,
} from "./find-files.ts";
