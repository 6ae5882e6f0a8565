export { isAsciiValue } from "./ascii-value.ts";
export { ContentCodings, openRequestBody } from "./coding/index.ts";
export { type Dialogue, isClientStream, type Protocol } from "./dialogue.ts";
export { requestOrigin } from "./forwarding.ts";
export { compileHeaderRules, type HeaderRuleOptions } from "./header-rules.ts";
export type {
  ErrorRenderer,
  ErrorSettings,
  ProtocolRoute,
  ReplyWriter,
  RequestReader,
  RequestSink,
  RouteSettings,
  StreamFormat,
  StreamSettings,
} from "./protocol.ts";
