/** The `tls` section of an upstream. What is in the files is looked at when the gateway starts, and when they change. */
import type * as z from "zod";
import { choice, type Fail, section, switchable, text } from "./fields.ts";
import { filePath } from "./file-path.ts";
import { complain, type Reading, show } from "./reading.ts";
import type { TlsConfig } from "./types.ts";

/** The section; `true` stands for all of its defaults, `false` for plaintext. */
export function tlsSection(directory: string): z.ZodType<TlsConfig | undefined> {
  const keys = section(
    "TLS towards the upstream. Files are read again when they change.",
    {
      ca: filePath(directory, "PEM file of the authorities to trust; those of Node otherwise.").optional(),
      serverName: text(
        "host name",
        "The name to expect in the certificate; the address's host otherwise.",
        parseHostName,
      ).optional(),
      certificate: filePath(
        directory,
        "PEM file of the gateway's own certificate, its intermediate authorities after it; together with `key`.",
      ).optional(),
      key: filePath(
        directory,
        "PEM file of the private key of `certificate`, without a passphrase.",
      ).optional(),
      minVersion: choice("The least version of TLS.", ["TLSv1.2", "TLSv1.3"]).prefault("TLSv1.2"),
    },
    checkPair,
  ).transform(({ ca, serverName, certificate, key, minVersion }) => ({
    ca,
    serverName,
    identity: certificate === undefined || key === undefined ? undefined : { certificate, key },
    minVersion,
  }));
  return switchable("TLS towards the upstream: `true`, `false`, or a mapping.", keys).prefault(false);
}

function checkPair({ certificate, key }: Readonly<Record<string, unknown>>, fail: Fail): void {
  if (certificate !== undefined && key === undefined) {
    fail("has no key beside it", "add key: the PEM file of its private key", "certificate");
  }
  if (key !== undefined && certificate === undefined) {
    fail("has no certificate beside it", "add certificate: the PEM file that the key is for", "key");
  }
}

function parseHostName(value: unknown): Reading<string> {
  if (typeof value === "string" && /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})$/.test(value)) return { value };
  return complain(
    `${show(value)} is not a host name`,
    "write a name such as api.example.com, without a port",
  );
}
