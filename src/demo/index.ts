export { type CurlExample, curlCommand, curlExamples } from "./curl-examples.ts";
export {
  type DemoUpstream,
  type DemoUpstreamOptions,
  demoDescriptorSet,
  listen,
  shutDown,
  startDemoUpstream,
} from "./demo-upstream.ts";
export { addService, type CallContext, type Handlers, serviceDefinition } from "./grpc-service.ts";
export { addReflection, type ReflectionVersion } from "./reflection-service.ts";
export { DEFAULT_SEED, type LibrarySeed } from "./seed.ts";
