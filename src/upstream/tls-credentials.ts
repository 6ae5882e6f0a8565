/**
 * TLS towards one upstream as its clients see it: what new connections are made with, and when that changes.
 *
 * The control plane makes it and gives it new material when files are rotated; a channel listens to it from its start
 * to its close. So nothing between the two, such as a decorator of channels, needs to know of rotation.
 */
import type { SecureContext } from "node:tls";
import type { TlsFault, TlsVersion } from "../tls/index.ts";
import { inspectTlsMaterial, type TlsMaterial } from "./tls-material.ts";

/** Credentials, and what there is to say of their material. */
export interface OpenedTls {
  readonly credentials: TlsCredentials | undefined;
  readonly faults: readonly TlsFault[];
}

/** The credentials of one upstream. */
export class TlsCredentials {
  readonly #minVersion: TlsVersion;
  readonly #listeners = new Set<() => void>();
  #context: SecureContext;
  #expiresAt: number | undefined;

  private constructor(minVersion: TlsVersion, context: SecureContext, expiresAt: number | undefined) {
    this.#minVersion = minVersion;
    this.#context = context;
    this.#expiresAt = expiresAt;
  }

  /**
   * Credentials of `material`, or none where one of its faults is an `error`. `nowMs` is in milliseconds since the epoch.
   */
  static open(material: TlsMaterial, minVersion: TlsVersion, nowMs: number): OpenedTls {
    const { context, faults, expiresAt } = inspectTlsMaterial(material, minVersion, nowMs);
    if (context === undefined) return { credentials: undefined, faults };
    return { credentials: new TlsCredentials(minVersion, context, expiresAt), faults };
  }

  /** What the next connection is made with. */
  get context(): SecureContext {
    return this.#context;
  }

  /** When the gateway's own certificate ends, in milliseconds since the epoch; undefined without one. */
  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  /** Takes new material, unless one of the faults that it answers is an `error`: then everything stays. */
  replace(material: TlsMaterial, nowMs: number): readonly TlsFault[] {
    const { context, faults, expiresAt } = inspectTlsMaterial(material, this.#minVersion, nowMs);
    if (context === undefined) return faults;
    this.#context = context;
    this.#expiresAt = expiresAt;
    for (const listener of this.#listeners) listener();
    return faults;
  }

  /** Calls `listener` whenever the material has changed; the function that it gives ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
