export type {
  AssembledRequest,
  BindingSpec,
  HttpBodyReply,
  RequestParts,
  StatusRenderer,
  TranscodeOptions,
  Transcoder,
  TranscoderFactory,
} from "./transcoder.ts";
