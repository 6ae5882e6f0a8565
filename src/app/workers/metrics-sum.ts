/**
 * One set of metrics for several processes, over the Prometheus text format as `Meters` writes it.
 *
 * | metrics                              | are                                                              |
 * |--------------------------------------|------------------------------------------------------------------|
 * | `process_*`, `nodejs_*`              | combined over the primary and the workers                        |
 * | about the control plane, {@link LED} | the primary's, which alone decides                               |
 * | all others                           | combined over the workers, the primary serving nothing           |
 *
 * Counters and histograms are added, and those of workers that have ended stay in the sum, so that it never goes back.
 * Gauges are added too, being amounts of something that each process has for itself (requests in flight, connections,
 * bytes, open files); {@link GAUGES} names those that are not.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */

/** How the values of several processes make one. */
type Combination = "sum" | "most" | "least";

/** Gauges that say the same of every process, or of which the worst counts. */
const GAUGES: Readonly<Record<string, Combination>> = {
  process_start_time_seconds: "least",
  nodejs_version_info: "most",
  nodejs_eventloop_lag_seconds: "most",
  nodejs_eventloop_lag_min_seconds: "least",
  nodejs_eventloop_lag_max_seconds: "most",
  nodejs_eventloop_lag_mean_seconds: "most",
  nodejs_eventloop_lag_stddev_seconds: "most",
  nodejs_eventloop_lag_p50_seconds: "most",
  nodejs_eventloop_lag_p90_seconds: "most",
  nodejs_eventloop_lag_p99_seconds: "most",
  // Every worker sees the same endpoints, each with eyes of its own.
  sluice_upstream_endpoints: "most",
  sluice_upstream_endpoint_healthy: "least",
  sluice_upstream_tls_certificate_expiry_seconds: "least",
  sluice_listener_tls_certificate_expiry_seconds: "least",
};

/** What the primary alone knows or decides. */
const LED: readonly string[] = ["sluice_worker", "sluice_schema_", "sluice_reload", "sluice_config_"];

/** What every process has. */
const EACH: readonly string[] = ["process_", "nodejs_"];

/** Series of ended workers that are kept; names of endpoints change, so there is no telling how many there will be. */
const MAX_RETIRED_SERIES = 50_000;

/** All series of one name. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: string;
  /** By name and labels as they are written; a histogram has several names. */
  readonly series: Map<string, number>;
}

/** Adds up metrics, and remembers those of processes that have ended. */
export class MetricsSum {
  readonly #retired = new Map<string, Family>();
  #retiredSeries = 0;

  /** Takes the last metrics of a worker that has ended; "" if it never told any. */
  retire(text: string): void {
    for (const family of parseFamilies(text).values()) {
      if (family.kind === "gauge") continue;
      const kept = this.#retired.get(family.name);
      const into = kept ?? emptyLike(family);
      if (kept === undefined) this.#retired.set(family.name, into);
      const before = into.series.size;
      for (const [series, value] of family.series) {
        const known = into.series.get(series);
        if (known === undefined && this.#retiredSeries + into.series.size - before >= MAX_RETIRED_SERIES)
          continue;
        into.series.set(series, (known ?? 0) + value);
      }
      this.#retiredSeries += into.series.size - before;
    }
  }

  /** The metrics of all: `own` are the primary's, `workers` those of the workers that run, as they told them last. */
  render(own: string, workers: readonly string[]): string {
    const families = new Map<string, Family>();
    for (const family of parseFamilies(own).values()) {
      if (startsWithOne(family.name, LED) || startsWithOne(family.name, EACH))
        families.set(family.name, family);
    }
    for (const family of this.#retired.values()) combine(families, family);
    for (const text of workers) {
      for (const family of parseFamilies(text).values()) {
        if (!startsWithOne(family.name, LED)) combine(families, family);
      }
    }
    return [...families.values()].map(renderFamily).join("\n");
  }
}

function combine(families: Map<string, Family>, family: Family): void {
  const known = families.get(family.name);
  const into = known ?? emptyLike(family);
  if (known === undefined) families.set(family.name, into);
  const combination = family.kind === "gauge" ? (GAUGES[family.name] ?? "sum") : "sum";
  for (const [series, value] of family.series) {
    const other = into.series.get(series);
    into.series.set(series, other === undefined ? value : combined(combination, other, value));
  }
}

function combined(combination: Combination, a: number, b: number): number {
  // A process that has measured nothing yet says NaN.
  if (Number.isNaN(a)) return b;
  if (Number.isNaN(b)) return a;
  switch (combination) {
    case "sum":
      return a + b;
    case "most":
      return Math.max(a, b);
    case "least":
      return Math.min(a, b);
    default:
      return combination satisfies never;
  }
}

function emptyLike({ name, help, kind }: Family): Family {
  return { name, help, kind, series: new Map() };
}

/**
 * Reads what `Meters.render` writes: `# HELP` and `# TYPE` before the samples of each family, no timestamps. Other lines are
 * passed over.
 */
function parseFamilies(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let help = "";
  let family: Family | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("# HELP ")) {
      help = line.slice(line.indexOf(" ", "# HELP ".length) + 1);
    } else if (line.startsWith("# TYPE ")) {
      const [name = "", kind = ""] = line.slice("# TYPE ".length).split(" ");
      family = { name, help, kind, series: new Map() };
      families.set(name, family);
    } else if (line !== "" && family !== undefined) {
      const end = line.lastIndexOf(" ");
      family.series.set(line.slice(0, end), parseValue(line.slice(end + 1)));
    }
  }
  return families;
}

function parseValue(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function renderFamily({ name, help, kind, series }: Family): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`];
  for (const [key, value] of series) lines.push(`${key} ${renderValue(value)}`);
  return `${lines.join("\n")}\n`;
}

function startsWithOne(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}
