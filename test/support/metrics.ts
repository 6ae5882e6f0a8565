/** Reads single values out of a gateway's metrics. */

/**
 * The sum of the samples of a metric whose labels hold all of `labels`; 0 if there is none.
 *
 * @param adminUrl `http://host:port` of the admin listener.
 */
export async function metricOf(
  adminUrl: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`)) continue;
    const isMeant = Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`));
    if (isMeant) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
