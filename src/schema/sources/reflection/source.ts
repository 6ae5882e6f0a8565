/**
 * Schemas from gRPC server reflection, of servers that implement it well and of those that do not.
 *
 * The services that the server lists are asked for by name; what their files import, by file name; and types that
 * are then still unknown, by their own names, because some servers (@grpc/reflection among them) rebuild descriptors
 * without imports or under other file names.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, isCode, type Problem, StatusError, upstreamStatus } from "../../../status/index.ts";
import type { Channel } from "../../../upstream/index.ts";
import { faultsOf, MAX_NESTING, printable } from "../../check-file.ts";
import type { MessageOutline } from "../../file-outline.ts";
import { type DescriptorFile, readDescriptorFile, type SchemaFiles, type SchemaSource } from "../../index.ts";
import { candidatesFor, namesOf, type TypeReference } from "../../type-names.ts";
import { isWellKnownFile, wellKnownFiles } from "../../well-known-files.ts";
import {
  type Answer,
  type Question,
  ReflectionSession,
  type ReflectionVersion,
  type SessionLimits,
} from "./session.ts";

/** Where and how far to ask. */
export interface ReflectionOptions {
  readonly channel: Channel;
  /** For people: the address of the upstream. */
  readonly address: string;
  /** Milliseconds for one reading with one version of the service; 20 s if left out. */
  readonly timeoutMs?: number;
  readonly maxQuestions?: number;
  /** All answers of one reading together. */
  readonly maxBytes?: number;
}

const LIMITS: SessionLimits = { timeoutMs: 20_000, maxQuestions: 20_000, maxBytes: 128 * 1024 * 1024 };

const OWN_SERVICES = "grpc.reflection.";

/**
 * A source that asks the upstream behind `channel`: reflection v1, and v1alpha after any failure of it.
 *
 * `load` throws the failure of v1alpha if v1 was unknown to the server, else that of v1: UNAVAILABLE and
 * DEADLINE_EXCEEDED may pass, UNIMPLEMENTED means that the upstream has no reflection.
 */
export class ReflectionSource implements SchemaSource {
  readonly name: string;
  readonly #channel: Channel;
  readonly #limits: SessionLimits;
  #ownConnects = 0;

  constructor(options: ReflectionOptions) {
    this.name = `reflection at ${options.address}`;
    this.#channel = options.channel;
    this.#limits = {
      timeoutMs: options.timeoutMs ?? LIMITS.timeoutMs,
      maxQuestions: options.maxQuestions ?? LIMITS.maxQuestions,
      maxBytes: options.maxBytes ?? LIMITS.maxBytes,
    };
  }

  async load(signal: AbortSignal): Promise<SchemaFiles> {
    const connects = this.#connects();
    try {
      return await this.#load(signal);
    } finally {
      this.#ownConnects += this.#connects() - connects;
    }
  }

  /**
   * Changes when the upstream has been connected again: it may be another version. Connections that a reading opened
   * itself do not count, or else a server that closes idle ones would be read without end.
   */
  fingerprint(): Promise<string> {
    return Promise.resolve(`${this.#connects() - this.#ownConnects} connections`);
  }

  /** Connections to the endpoints that there are now; where the client does not count them, those that stand. */
  #connects(): number {
    let sum = 0;
    for (const { connects, connections } of this.#channel.stats().endpoints) sum += connects ?? connections;
    return sum;
  }

  async #load(signal: AbortSignal): Promise<SchemaFiles> {
    try {
      return await this.#read("v1", signal);
    } catch (failure) {
      if (signal.aborted || !(failure instanceof StatusError)) throw failure;
      try {
        return await this.#read("v1alpha", signal);
      } catch (olderFailure) {
        throw failure.status.code === Code.UNIMPLEMENTED ? olderFailure : failure;
      }
    }
  }

  async #read(version: ReflectionVersion, signal: AbortSignal): Promise<SchemaFiles> {
    const session = new ReflectionSession(this.#channel, version, this.#limits, signal);
    try {
      const reader = new ReflectionReader(session, this.name);
      await reader.readServices();
      await reader.readImports();
      await reader.readUnknownTypes();
      return { files: reader.files, problems: reader.problems };
    } finally {
      session.close();
    }
  }
}

/** Collects the files of one session. */
class ReflectionReader {
  readonly files: DescriptorFile[] = [];
  readonly problems: Problem[] = [];
  readonly #session: ReflectionSession;
  readonly #name: string;
  readonly #fileBytes = new Map<string, Uint8Array>();
  readonly #defined = new Set<string>();
  readonly #references: TypeReference[] = [];
  /** Positions up to which `files` and `#references` have been looked through. */
  #filesSeen = 0;
  #referencesSeen = 0;

  constructor(session: ReflectionSession, name: string) {
    this.#session = session;
    this.#name = name;
  }

  /** @throws {StatusError} if the server does not list its services. */
  async readServices(): Promise<void> {
    const answer = await this.#session.ask({ case: "listServices", value: "" });
    if (answer.case === "errorResponse") throw new StatusError(statusOf(answer.value));
    if (answer.case !== "listServicesResponse") {
      const what = "the upstream's reflection does not answer what it is asked";
      throw new StatusError(upstreamStatus(Code.UNIMPLEMENTED, what));
    }
    for (const { name } of answer.value.service) {
      if (name.startsWith(OWN_SERVICES) || this.#defined.has(name)) continue;
      const fault = await this.#askFor({ case: "fileContainingSymbol", value: name });
      if (fault !== undefined) this.#addProblem(`service ${name} cannot be described: ${fault}`);
    }
  }

  /** Asks for imports by file name until none is missing that the server has. */
  async readImports(): Promise<void> {
    const asked = new Set<string>();
    for (; this.#filesSeen < this.files.length; this.#filesSeen++) {
      for (const name of this.files[this.#filesSeen]?.outline.dependency ?? []) {
        if (this.#fileBytes.has(name) || isWellKnownFile(name) || asked.has(name)) continue;
        asked.add(name);
        // Without it the types decide: what is needed is asked for below, what is not needs no word.
        await this.#askFor({ case: "fileByFilename", value: name });
      }
    }
  }

  /** Asks for every type that is used and not defined yet, by its name. */
  async readUnknownTypes(): Promise<void> {
    const asked = new Set<string>();
    const supplied = suppliedTypes();
    for (; this.#referencesSeen < this.#references.length; this.#referencesSeen++) {
      const reference = this.#references[this.#referencesSeen];
      if (reference === undefined || reference.name === "") continue;
      const candidates = candidatesFor(reference.name, reference.scope);
      const isKnown = (name: string): boolean => this.#defined.has(name) || supplied.has(name);
      for (const candidate of candidates) {
        if (candidates.some(isKnown)) break;
        if (asked.has(candidate)) continue;
        asked.add(candidate);
        await this.#askFor({ case: "fileContainingSymbol", value: candidate });
      }
      if (this.#filesSeen < this.files.length) await this.readImports();
    }
  }

  /** Asks for files and keeps those that come; the fault if the server has none. */
  async #askFor(question: Question): Promise<string | undefined> {
    const answer: Answer = await this.#session.ask(question);
    if (answer.case === "errorResponse")
      return answer.value.errorMessage || `error ${answer.value.errorCode}`;
    if (answer.case !== "fileDescriptorResponse") return "the answer is of another kind";
    for (const bytes of answer.value.fileDescriptorProto) this.#keep(bytes);
    return undefined;
  }

  #keep(bytes: Uint8Array): void {
    let file: DescriptorFile;
    try {
      file = withoutMirrors(readDescriptorFile(bytes));
    } catch {
      this.#addProblem("an answer holds a file that is no FileDescriptorProto");
      return;
    }
    const { name } = file.outline;
    const earlier = this.#fileBytes.get(name);
    if (earlier !== undefined) {
      if (Buffer.compare(earlier, bytes) !== 0) {
        this.#addProblem(`two different files are called ${name}; the first is used`);
      }
      return;
    }
    this.#fileBytes.set(name, bytes);
    this.files.push(file);
    // It will be left out, and told of; what it needs is not needed, and its names may be of any length.
    if (faultsOf(file.outline).length > 0) return;
    const { defined, references } = namesOf(file.outline, MAX_NESTING);
    for (const { fullName } of defined) this.#defined.add(fullName);
    // One by one: a file may hold more of them than a call can have arguments.
    for (const reference of references) this.#references.push(reference);
  }

  #addProblem(what: string): void {
    // A server could make any number of them.
    if (this.problems.length >= 100) return;
    this.problems.push({
      severity: "error",
      where: this.#name,
      what: printable(what),
      hint: "check the upstream's reflection, or give its descriptors as a file",
    });
  }
}

function statusOf(error: {
  readonly errorCode: number;
  readonly errorMessage: string;
}): ReturnType<typeof upstreamStatus> {
  return upstreamStatus(
    isCode(error.errorCode) ? error.errorCode : Code.UNKNOWN,
    printable(error.errorMessage),
  );
}

/**
 * protobufjs keeps extensions as fields of the message that they extend, named `.package.extension`, and
 * @grpc/reflection sends them so. The extension itself is in the file that declares it.
 */
function withoutMirrors(file: DescriptorFile): DescriptorFile {
  if (!file.outline.messages.some((message) => hasMirrors(message, 1))) return file;
  const proto = fromBinary(FileDescriptorProtoSchema, file.bytes);
  for (const message of proto.messageType) dropMirrors(message);
  return readDescriptorFile(toBinary(FileDescriptorProtoSchema, proto));
}

function hasMirrors({ fields, messages }: MessageOutline, depth: number): boolean {
  if (fields.some(({ name }) => name.startsWith("."))) return true;
  return depth <= MAX_NESTING && messages.some((nested) => hasMirrors(nested, depth + 1));
}

function dropMirrors(message: DescriptorProto, depth: number = 1): void {
  message.field = message.field.filter(({ name }) => !name.startsWith("."));
  if (depth > MAX_NESTING) return;
  for (const nested of message.nestedType) dropMirrors(nested, depth + 1);
}

/** Types that need not be asked for, because every schema has them. */
function suppliedTypes(): ReadonlySet<string> {
  return new Set(
    wellKnownFiles().flatMap(({ outline }) =>
      namesOf(outline, MAX_NESTING).defined.map(({ fullName }) => fullName),
    ),
  );
}
