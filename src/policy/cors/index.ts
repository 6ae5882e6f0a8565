export { type CorsOptions, CorsPolicy } from "./cors.ts";
