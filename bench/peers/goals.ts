/** The figures that the product is to reach, checked against a run. */
import { BARE_NAME, OWN_NAME } from "./contestants.ts";
import type { Results } from "./results.ts";

/** A goal and what a run says of it. */
export interface Verdict {
  readonly goal: string;
  readonly measured: string;
  /** Undefined where the run lacks a figure. */
  readonly isMet: boolean | undefined;
}

type Figure = "cpuUs" | "p99Ms" | "rssMb";

/** A figure of the gateway in `workload` that may be `most` times that of `other`, or `most` in its unit. */
interface Goal {
  readonly title: string;
  readonly workload: string;
  readonly figure: Figure;
  readonly most: number;
  readonly other?: string;
}

const GOALS: readonly Goal[] = [
  { title: "CPU of a small GET <= 30 µs", workload: "small-get", figure: "cpuUs", most: 30 },
  {
    title: "CPU of a small GET <= 4x a bare uWebSockets.js handler's",
    workload: "small-get",
    figure: "cpuUs",
    most: 4,
    other: BARE_NAME,
  },
  {
    title: "CPU of a small GET <= 1/3 of grpc-gateway's (aim: 1/4)",
    workload: "small-get",
    figure: "cpuUs",
    most: 1 / 3,
    other: "grpc-gateway",
  },
  {
    title: "CPU of a small GET <= 2/3 of Envoy's",
    workload: "small-get",
    figure: "cpuUs",
    most: 2 / 3,
    other: "envoy",
  },
  {
    title: "CPU of a 50 kB reply <= 1/4 of grpc-gateway's (aim: 1/6)",
    workload: "get-50k",
    figure: "cpuUs",
    most: 1 / 4,
    other: "grpc-gateway",
  },
  {
    title: "RSS under 1,000 connections <= 160 MB",
    workload: "small-get-1000",
    figure: "rssMb",
    most: 160,
  },
  { title: "CPU of a streamed message <= 4 µs", workload: "stream-1m", figure: "cpuUs", most: 4 },
  {
    title: "CPU of a streamed message <= 1/3 of grpc-gateway's",
    workload: "stream-1m",
    figure: "cpuUs",
    most: 1 / 3,
    other: "grpc-gateway",
  },
  ...["grpc-gateway", "envoy", "vanguard", "kratos"].map((other) => ({
    title: `p99 at 70 % of saturation below ${other}'s`,
    workload: "paced-get",
    figure: "p99Ms" as const,
    most: 1,
    other,
  })),
];
const IDLE_GOAL_MB = 90;

/** All goals, in the order of the issue that set them. */
export function judge(results: Results): readonly Verdict[] {
  const idleMb = results.idleMb(OWN_NAME);
  const idle: Verdict = {
    goal: `RSS, idle <= ${IDLE_GOAL_MB} MB`,
    measured: idleMb === undefined ? "not measured" : `${idleMb.toFixed(0)} MB`,
    isMet: idleMb === undefined ? undefined : idleMb <= IDLE_GOAL_MB,
  };
  return [...GOALS.map((goal) => judgeGoal(goal, results)), idle];
}

function judgeGoal({ title, workload, figure, most, other }: Goal, results: Results): Verdict {
  const own = results.summary(OWN_NAME, workload)?.[figure];
  const theirs = other === undefined ? 1 : results.summary(other, workload)?.[figure];
  if (own === undefined || theirs === undefined) {
    return { goal: title, measured: "not measured", isMet: undefined };
  }
  const text = other === undefined ? own.toFixed(1) : `${own.toFixed(1)} against ${theirs.toFixed(1)}`;
  const ratio = other === undefined ? "" : `, ${(own / theirs).toFixed(2)}x`;
  return { goal: title, measured: `${text}${ratio}`, isMet: own / theirs <= most };
}
