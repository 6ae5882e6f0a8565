export { requestDeadlineMs } from "./deadline.ts";
export { sendError } from "./error-reply.ts";
export { MessageAssembler } from "./message-assembler.ts";
export { MessageRenderer } from "./message-renderer.ts";
export { Reply } from "./reply.ts";
export { chooseReplyWriter } from "./reply-writer.ts";
export { refuseCodedBody } from "./request-body.ts";
export { isAsciiValue, requestMetadata } from "./request-metadata.ts";
export { chooseRequestReader } from "./request-reader.ts";
