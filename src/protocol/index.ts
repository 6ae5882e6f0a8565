export { isAsciiValue } from "./ascii-value.ts";
export { type CodingTotal, ContentCodings, openRequestBody } from "./coding/index.ts";
export {
  type Dialogue,
  isClientStream,
  type MatchedRequest,
  type Protocol,
} from "./dialogue.ts";
export { requestOrigin } from "./forwarding.ts";
export { compileHeaderRules, type HeaderRuleOptions, type HeaderRules } from "./header-rules.ts";
export type {
  ErrorFormat,
  ErrorRenderer,
  ErrorSettings,
  ProtocolRoute,
  RenderedError,
  ReplyWriter,
  RequestReader,
  RequestSink,
  RouteSettings,
  StreamFormat,
  StreamSettings,
} from "./protocol.ts";
