export { ContentFingerprint } from "./content-fingerprint.ts";
export { type FileFault, FileReadError, type FoundFiles, findFiles, readFoundFile } from "./find-files.ts";
