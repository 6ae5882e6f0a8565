export { requestDeadlineMs } from "./deadline.ts";
export { sendError } from "./error-reply.ts";
export { MessageRenderer } from "./message-renderer.ts";
export { Reply } from "./reply.ts";
export { chooseReplyWriter, kindRefusal } from "./reply-writer.ts";
export { RequestBody, refuseCodedBody } from "./request-body.ts";
export { isAsciiValue, requestMetadata } from "./request-metadata.ts";
