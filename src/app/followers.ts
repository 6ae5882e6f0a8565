/** What an application knows of processes that serve in its place: it holds the control plane, they answer requests. */
import type { Readiness } from "../admin/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import type { Reading } from "../telemetry/index.ts";

/** The processes that follow. */
export interface Followers {
  /** Metrics about them. */
  readonly readings: readonly Reading[];
  /** Is told of the schemas, by upstream, behind each snapshot before that is published. */
  publishing(schemas: ReadonlyMap<string, SchemaSet>): void;
  /** The readiness of all together, `own` being that of the application. */
  readiness(own: Readiness): Promise<Readiness>;
  /** The metrics of all together, `own` being those of the application. */
  metrics(own: string): Promise<string>;
}
