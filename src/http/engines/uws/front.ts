/**
 * What listens and what serves, of a listener on uWebSockets.js: one app, or with TLS several.
 *
 * The addon reads certificates from files when an app is made, and never again. (`removeServerName` frees what open
 * connections of that name go on to use.) So with TLS one app listens and serves nobody; it hands every connection to
 * another one, which is made anew whenever the files change. Connections stay with the app that they came to, and none is
 * lost between two sockets, as with SO_REUSEPORT. Both must be of one kind: the addon takes the other for what it is itself.
 */
import type { ServerIdentity, ServerTls } from "../../server-tls.ts";
import type { Addon, AddonApp, AddonTlsOptions } from "./addon.ts";

/** How long after the addon could not use the files they are tried again. */
const RETRY_MS = 1_000;

/** What every app that serves is given. */
export interface AppHandlers {
  /** Sets the handlers of requests, for the host name that the app was browsed to. */
  route(app: AddonApp): void;
  /** Sets the handler of connections. */
  count(app: AddonApp): void;
}

/** The apps of one listener. */
export interface Front {
  /** The one that listens. */
  readonly listening: AddonApp;
  /** Closes the listening socket and all connections. */
  close(): void;
}

/** A front without TLS. */
export function plainFront(addon: Addon, handlers: AppHandlers): Front {
  const app = addon.App();
  handlers.route(app);
  handlers.count(app);
  return { listening: app, close: () => void app.close() };
}

/** A front that follows the certificates of `tls`. */
export class TlsFront implements Front {
  readonly listening: AddonApp;
  readonly #addon: Addon;
  readonly #tls: ServerTls;
  readonly #handlers: AppHandlers;
  /** Takes the connections that come. */
  #serving: AddonApp;
  /** Keep the connections that came earlier. The addon frees no app, so that nothing is won by closing one early. */
  readonly #retired: AddonApp[] = [];
  readonly #stopFollowing: () => void;
  #retryTimer: NodeJS.Timeout | undefined = undefined;

  /** @throws {Error} if the addon cannot use the files. */
  constructor(addon: Addon, tls: ServerTls, handlers: AppHandlers) {
    this.#addon = addon;
    this.#tls = tls;
    this.#handlers = handlers;
    this.#serving = this.#makeApp();
    this.listening = addon.SSLApp(defaultOptions(tls));
    this.listening.addChildAppDescriptor(this.#serving.getDescriptor());
    this.#stopFollowing = tls.onChange(() => this.#renew());
  }

  close(): void {
    this.#stopFollowing();
    clearTimeout(this.#retryTimer);
    for (const app of [this.listening, this.#serving, ...this.#retired]) app.close();
  }

  #renew(): void {
    clearTimeout(this.#retryTimer);
    let app: AddonApp;
    try {
      app = this.#makeApp();
    } catch {
      // The files were sound when they were looked at, and have changed since; what is there now will be looked at, too.
      this.#retryTimer = setTimeout(() => this.#renew(), RETRY_MS).unref();
      return;
    }
    this.listening.addChildAppDescriptor(app.getDescriptor());
    this.listening.removeChildAppDescriptor(this.#serving.getDescriptor());
    this.#retired.push(this.#serving);
    this.#serving = app;
  }

  #makeApp(): AddonApp {
    const app = this.#addon.SSLApp(defaultOptions(this.#tls));
    this.#handlers.route(app);
    this.#handlers.count(app);
    const { certificates } = this.#tls;
    // `domain` writes to standard output, where the access log is; a single certificate needs none of it.
    if (certificates.length === 1) return app;
    const known = new Set<string>();
    for (const { identity, names } of certificates) {
      for (const name of names) {
        // Of several certificates for one name the first counts.
        if (known.has(name)) continue;
        known.add(name);
        app.addServerName(name, optionsOf(identity, this.#tls));
        // Every name has handlers of its own; without them the addon closes its connections.
        app.domain(name);
        this.#handlers.route(app);
      }
    }
    return app;
  }
}

function defaultOptions(tls: ServerTls): AddonTlsOptions {
  const [first] = tls.material.identities;
  if (first === undefined) throw new Error("TLS without a certificate");
  return optionsOf(first, tls);
}

function optionsOf(
  { certificatePath, keyPath }: ServerIdentity,
  { settings: { ciphers } }: ServerTls,
): AddonTlsOptions {
  return {
    cert_file_name: certificatePath,
    key_file_name: keyPath,
    ssl_prefer_low_memory_usage: true,
    ...(ciphers === undefined ? undefined : { ssl_ciphers: ciphers }),
  };
}
