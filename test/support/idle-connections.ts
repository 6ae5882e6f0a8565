/**
 * What a connection costs a gateway that is only kept open: every one has carried a request, and could carry another.
 * Linux: memory is read from /proc.
 */
import { rssMb } from "../../bench/process-figures.ts";
import { Crowd } from "./crowd.ts";
import { metricOf } from "./metrics.ts";

/** A path without a route: no upstream takes part. */
const REQUEST = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
const TWO_REPLIES = /^HTTP\/1\.1 .*HTTP\/1\.1 /s;

/** What was found. */
export interface IdleConnections {
  /** How many the gateway had open when its memory was read. */
  readonly open: number;
  /** Of resident memory, in units of 1024 bytes. */
  readonly kbEach: number;
  /** How many answered a second request. */
  readonly answered: number;
}

/** Opens `count` connections to `port` of the process `pid`, and looks at what it is bigger then. */
export async function measureIdleConnections(
  { pid, port, adminUrl }: { readonly pid: number; readonly port: number; readonly adminUrl: string },
  count: number,
): Promise<IdleConnections> {
  // Code is compiled and buffers have their size before the measurement.
  const warmUp = await Crowd.gather(port, Math.min(count, 500), REQUEST, "await replies");
  warmUp.leave();
  const listener = { listener: `127.0.0.1:${port}` };
  while ((await metricOf(adminUrl, "sluice_connections", listener)) > 0);
  const beforeMb = rssMb(pid);
  const crowd = await Crowd.gather(port, count, REQUEST, "await replies");
  try {
    const open = await metricOf(adminUrl, "sluice_connections", listener);
    const kbEach = ((rssMb(pid) - beforeMb) * 1024) / count;
    crowd.send(REQUEST);
    await crowd.received(TWO_REPLIES);
    const answered = crowd.members.filter(({ received }) => TWO_REPLIES.test(received));
    return { open, kbEach, answered: answered.length };
  } finally {
    crowd.leave();
  }
}
