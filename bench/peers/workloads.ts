/** What the contestants are sent. All of it is of the library's API, descriptors/protos/library. */
import { toJsonString } from "@bufbuild/protobuf";
import { BookSchema } from "../../src/gen/library/v1/library_pb.ts";
import { LARGE_BOOK } from "../library-replies.ts";

/** One kind of request. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string | undefined;
  readonly connections: number;
  /**
   * `seconds`: kept up for as long as the options say, by wrk where it is installed. `requests`: so many in all, so that
   * none is cut off half way. `paced`: first as fast as it goes, then 70 % of that rate, open loop. `perSecond`: open loop
   * at a rate that is the same for all.
   */
  readonly load: "seconds" | "paced" | { readonly requests: number } | { readonly perSecond: number };
  /** Sent before anything counts, so that compilers have seen the code: a number and not a time, however busy it is. */
  readonly warmUpRequests: number;
  /** Messages in a reply: costs and rates are per message. */
  readonly messages: number;
  /** How often it is measured: in each round, or in the first alone. */
  readonly rounds: "all" | "first";
  /** The shorter workload whose reply is checked in its place. */
  readonly sample?: Workload;
}

const CONNECTIONS = 64;
const MANY_CONNECTIONS = 1000;
/** Below 70 % of what any contestant takes on two cores. */
const SAME_RATE = 8_000;
const STREAM_MESSAGES = 10_000;
const LONG_STREAM_MESSAGES = 1_000_000;
const SHELF = "/v1/shelves/1";

const GET = {
  method: "GET",
  body: undefined,
  connections: CONNECTIONS,
  warmUpRequests: 5_000,
  messages: 1,
  rounds: "all",
} as const;

const STREAM: Workload = {
  ...GET,
  name: "stream-10k",
  title: "server stream of 10,000 messages",
  path: `${SHELF}/books:watch?limit=${STREAM_MESSAGES}`,
  load: { requests: CONNECTIONS },
  warmUpRequests: 6,
  messages: STREAM_MESSAGES,
};

/** All workloads, in the order in which they are run. */
export const WORKLOADS: readonly Workload[] = [
  {
    ...GET,
    name: "small-get",
    title: "small GET, 64 connections",
    path: SHELF,
    load: "seconds",
    // The first workload of a cold process.
    warmUpRequests: 20_000,
  },
  {
    ...GET,
    name: "small-get-1000",
    title: "small GET, 1,000 connections",
    path: SHELF,
    connections: MANY_CONNECTIONS,
    load: "seconds",
  },
  { ...GET, name: "paced-get", title: "small GET at 70 % of saturation", path: SHELF, load: "paced" },
  {
    ...GET,
    name: "same-rate-get",
    title: `small GET, ${SAME_RATE} requests/s`,
    path: SHELF,
    load: { perSecond: SAME_RATE },
  },
  {
    ...GET,
    name: "post-2k",
    title: "POST, 2 kB there and back",
    method: "POST",
    path: `${SHELF}/books`,
    body: toJsonString(BookSchema, LARGE_BOOK),
    load: "seconds",
  },
  {
    ...GET,
    name: "get-50k",
    title: "GET, 50 kB reply",
    path: `${SHELF}/books`,
    load: "seconds",
    warmUpRequests: 1_000,
  },
  {
    ...GET,
    name: "download-1m",
    title: "GET, 1 MB HttpBody",
    path: `${SHELF}/books/frankenstein/cover`,
    load: { requests: CONNECTIONS * 20 },
    // After half as many the code of the gateway has been compiled.
    warmUpRequests: CONNECTIONS * 20,
  },
  STREAM,
  {
    ...GET,
    name: "stream-1m",
    title: "one server stream of 1,000,000 messages",
    path: `${SHELF}/books:watch?limit=${LONG_STREAM_MESSAGES}`,
    connections: 1,
    load: { requests: 1 },
    warmUpRequests: 0,
    messages: LONG_STREAM_MESSAGES,
    rounds: "first",
    sample: STREAM,
  },
];

/** Whether requests come at a rate of their own, however fast they are answered. */
export function isPaced({ load }: Workload): boolean {
  return load === "paced" || (load !== "seconds" && "perSecond" in load);
}
