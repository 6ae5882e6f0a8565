/**
 * Keeps finished spans until they have been sent, in batches.
 *
 *     idle --a span--> gathering --interval, or a full batch--> sending --answer--> idle, or gathering
 *                                                                 |  ^
 *                                                                 v  |
 *                                                               pausing
 *
 * Requests never wait for it: where there is no room, spans are dropped, and counted.
 */
import type { Logger } from "../logger.ts";
import type { Reading } from "../reading.ts";
import type { SpanRecord, SpanSink } from "../tracing/index.ts";
import { encodeRequest, type OtlpResource, SpanEncoder } from "./encode-spans.ts";
import type { Poster } from "./post.ts";

/** What an exporter works with. */
export interface SpanExporterParts {
  readonly poster: Poster;
  readonly resource: OtlpResource;
  /** How long spans are gathered before they are sent. */
  readonly intervalMs: number;
  /** Spans that are kept, in bytes of their encoding; further ones are dropped. */
  readonly queueBytes: number;
  readonly log: Logger;
  /** The endpoint, for the log. */
  readonly name: string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms`, or rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What spans have come to. */
export interface SpanCounts {
  exported: number;
  /** The collector did not want them. */
  rejected: number;
  /** The collector could not be reached in all attempts, or before the end. */
  failed: number;
  /** There was no room for them. */
  dropped: number;
}

/** What one request holds at most; collectors limit the bodies that they take. */
const BATCH_BYTES = 256 * 1024;
const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** Sends spans to one collector. */
export class SpanExporter implements SpanSink {
  readonly #parts: SpanExporterParts;
  readonly #encoder: SpanEncoder = new SpanEncoder();
  readonly #end: AbortController = new AbortController();
  readonly counts: SpanCounts = { exported: 0, rejected: 0, failed: 0, dropped: 0 };
  #spans: Uint8Array[] = [];
  /** Of `#spans` and of the batch under way. */
  #bytes = 0;
  #running: Promise<void> | undefined;
  /** Ends the wait for more spans. */
  #gathering: AbortController | undefined;
  #isClosing = false;
  #isFailing = false;

  constructor(parts: SpanExporterParts) {
    this.#parts = parts;
  }

  /** Bytes kept at the moment. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  take(span: SpanRecord): void {
    if (this.#isClosing || this.#bytes >= this.#parts.queueBytes) {
      this.counts.dropped++;
      return;
    }
    const encoded = this.#encoder.encode(span);
    this.#spans.push(encoded);
    this.#bytes += encoded.byteLength;
    this.#running ??= this.#run();
    if (this.#bytes >= BATCH_BYTES) this.#gathering?.abort();
  }

  /** Sends what there is, for `timeoutMs` at most; the rest is counted as failed, and spans are taken no more. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.#gathering?.abort();
    const isOver = new AbortController();
    const expired = this.#parts.pause(timeoutMs, isOver.signal).catch(() => {});
    await Promise.race([this.#running, expired]);
    isOver.abort();
    this.#end.abort();
    await this.#running;
    this.#parts.poster.close();
  }

  /** Its metrics. */
  readings(): readonly Reading[] {
    const { counts } = this;
    return [
      {
        name: "sluice_trace_spans_total",
        help: "Finished spans: exported, rejected by the collector, failed (it could not be reached), dropped (the queue was full).",
        kind: "counter",
        labels: ["outcome"],
        read: () => [
          [["exported"], counts.exported],
          [["rejected"], counts.rejected],
          [["failed"], counts.failed],
          [["dropped"], counts.dropped],
        ],
      },
      {
        name: "sluice_trace_queue_bytes",
        help: "Encoded spans that wait to be exported.",
        kind: "gauge",
        labels: [],
        read: () => [[[], this.#bytes]],
      },
    ];
  }

  /** Until there are no more spans. Never rejects. */
  async #run(): Promise<void> {
    while (this.#spans.length > 0) {
      await this.#gather();
      const batch = this.#takeBatch();
      await this.#deliver(batch);
      this.#bytes -= byteLengthOf(batch);
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    if (this.#isClosing || this.#bytes >= BATCH_BYTES) return;
    const gathering = new AbortController();
    this.#gathering = gathering;
    await this.#pauseFor(this.#parts.intervalMs, gathering.signal);
    this.#gathering = undefined;
  }

  #takeBatch(): readonly Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const span of this.#spans) {
      if (count > 0 && bytes + span.byteLength > BATCH_BYTES) break;
      bytes += span.byteLength;
      count++;
    }
    const batch = this.#spans.slice(0, count);
    this.#spans = this.#spans.slice(count);
    return batch;
  }

  async #deliver(batch: readonly Uint8Array[]): Promise<void> {
    const { poster, resource } = this.#parts;
    const body = encodeRequest(resource, batch);
    const { signal } = this.#end;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const outcome = await poster.post(body, signal);
      switch (outcome.kind) {
        case "accepted": {
          const rejected = Math.min(outcome.rejectedSpans, batch.length);
          this.counts.exported += batch.length - rejected;
          this.counts.rejected += rejected;
          if (rejected > 0) this.#tellFailure(`${rejected} spans were rejected: ${outcome.what}`);
          else this.#tellSuccess();
          return;
        }
        case "refused":
          this.counts.rejected += batch.length;
          this.#tellFailure(outcome.what);
          return;
        case "unavailable":
          this.#tellFailure(outcome.what);
          if (attempt === MAX_ATTEMPTS) {
            this.counts.failed += batch.length;
            return;
          }
          await this.#pauseFor(outcome.retryAfterMs ?? this.#backoffMs(attempt), signal);
          break;
        default:
          outcome satisfies never;
      }
    }
    this.counts.failed += batch.length;
  }

  /** Between half of it and the whole, so that many gateways do not come back at once. */
  #backoffMs(attempt: number): number {
    const full = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
    return full * (0.5 + this.#parts.random() / 2);
  }

  async #pauseFor(ms: number, signal: AbortSignal): Promise<void> {
    // Who aborts wants it to go on.
    await this.#parts.pause(Math.min(ms, MAX_PAUSE_MS), signal).catch(() => {});
  }

  /** Once, until spans get through again: a collector may be away for days. */
  #tellFailure(what: string): void {
    if (this.#isFailing || this.#end.signal.aborted) return;
    this.#isFailing = true;
    const { log, name } = this.#parts;
    log.warn({ endpoint: name, cause: what }, "spans cannot be exported");
  }

  #tellSuccess(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#parts.log.info({ endpoint: this.#parts.name }, "spans are exported again");
  }
}

/** A collector that wants to be left alone for longer is asked nevertheless. */
const MAX_PAUSE_MS = 300_000;

function byteLengthOf(batch: readonly Uint8Array[]): number {
  return batch.reduce((sum, span) => sum + span.byteLength, 0);
}
