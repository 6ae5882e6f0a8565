/**
 * Requests that arrive in two pieces, cut at every byte: one connection for each place, all at the same time.
 *
 * The gateway has read the first pieces before the second ones are sent: it answers two requests in between on another
 * connection, and an event loop takes up what was there before.
 */
import { RawHttpClient } from "./raw-http.ts";

/** Connections at a time; a listener has a queue for so many. */
const BATCH = 128;

/** One request in two pieces. */
export type CutRequest = readonly [first: Buffer, second: Buffer];

/** `bytes` cut at every place, from 0 to its end. */
export function cutsThrough(bytes: Buffer): readonly CutRequest[] {
  return Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
}

/** Sends each request on a connection that `open` makes ready; gives what `read` makes of each. */
export async function sendCut<T, R>(
  port: number,
  requests: readonly CutRequest[],
  open: (client: RawHttpClient) => Promise<T>,
  read: (client: RawHttpClient, opened: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const guard = await RawHttpClient.connect(port);
  for (let from = 0; from < requests.length; from += BATCH) {
    const batch = await Promise.all(
      requests.slice(from, from + BATCH).map(async ([first, second]) => {
        const client = await RawHttpClient.connect(port);
        const opened = await open(client);
        if (first.length > 0) await client.send(first);
        return { client, opened, second };
      }),
    );
    await fence(guard);
    await fence(guard);
    const replies = batch.map(async ({ client, opened, second }) => {
      if (second.length > 0) await client.send(second);
      return read(client, opened);
    });
    results.push(...(await Promise.all(replies)));
    // Not by a reset, thousands of which keep Node 20 from ending: its count of open requests is never zero again.
    for (const { client } of batch) client.close();
  }
  guard.close();
  return results;
}

/** Asks for something small that the upstream answers. */
async function fence(client: RawHttpClient): Promise<void> {
  await client.send("GET /v1/ping HTTP/1.1\r\nhost: a\r\n\r\n");
  await client.reply();
}
