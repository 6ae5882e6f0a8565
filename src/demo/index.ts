export { curlCommand, curlExamples } from "./curl-examples.ts";
export {
  type DemoUpstream,
  demoDescriptorSet,
  listen,
  shutDown,
  startDemoUpstream,
} from "./demo-upstream.ts";
export { serviceDefinition } from "./grpc-service.ts";
export { addReflection, type ReflectionVersion } from "./reflection-service.ts";
export { DEFAULT_SEED } from "./seed.ts";
