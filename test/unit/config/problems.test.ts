import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfigText } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

/** A file that is sound but for what is put in: `listener`, `admin`, `upstream` and `root` are lines to add. */
interface Case {
  readonly name: string;
  readonly text: string;
  readonly problems: readonly string[];
}

const HEAD = "listeners: [{ address: :8080 }]\n";
const LIBRARY = "upstreams: { library: { address: h:1, schema: { reflection: true } } }\n";
const SOUND = HEAD + LIBRARY;

/** One listener with `lines` below its address; they start at line 3, column 5. */
function listener(...lines: readonly string[]): string {
  return `listeners:\n  - address: :8080\n${lines.map((line) => `    ${line}\n`).join("")}${LIBRARY}`;
}

/** One upstream with `lines` below its address and schema; they start at line 6, column 5. */
function upstream(...lines: readonly string[]): string {
  const start = "upstreams:\n  library:\n    address: h:1\n    schema: { reflection: true }\n";
  return `${HEAD}${start}${lines.map((line) => `    ${line}\n`).join("")}`;
}

const CASES: readonly Case[] = [
  // YAML itself.
  {
    name: "an empty file",
    text: "",
    problems: ["c.yaml:1:1: the file is empty (a config needs listeners and upstreams)"],
  },
  {
    name: "a file of comments",
    text: "# nothing\n",
    problems: ["c.yaml:1:1: the file is empty (a config needs listeners and upstreams)"],
  },
  {
    name: "a tab as indentation",
    text: `${SOUND}log:\n\tlevel: info\n`,
    problems: ["c.yaml:4:1: Tabs are not allowed as indentation (indent with spaces)"],
  },
  {
    name: "no workers",
    text: `${SOUND}workers: 0\n`,
    problems: ["c.yaml:3:10: workers: 0 is out of range (write auto, or a number from 1 to 256)"],
  },
  {
    name: "more workers than any machine has use for",
    text: `${SOUND}workers: "257"\n`,
    problems: ["c.yaml:3:10: workers: 257 is out of range (write auto, or a number from 1 to 256)"],
  },
  {
    name: "workers in words",
    text: `${SOUND}workers: many\n`,
    problems: [
      'c.yaml:3:10: workers: "many" is not a number of processes (write auto, or a number from 1 to 256)',
    ],
  },
  {
    name: "half a worker",
    text: `${SOUND}workers: 1.5\n`,
    problems: [
      "c.yaml:3:10: workers: 1.5 is not a number of processes (write auto, or a number from 1 to 256)",
    ],
  },
  {
    name: "two documents",
    text: `${SOUND}---\n${SOUND}`,
    problems: ["c.yaml:3:1: the file holds more than one document (keep one document: remove the ---)"],
  },
  {
    name: "a tag",
    text: `${SOUND}strict: !maybe true\n`,
    problems: ["c.yaml:3:9: Unresolved tag: !maybe (remove the tag)"],
  },
  {
    name: "a collection as key",
    text: `${SOUND}? [a]\n: 1\n`,
    problems: ["c.yaml:3:3: With stringKeys, all keys must be strings (use plain text as key)"],
  },
  {
    name: "a duplicate key, and what else is wrong",
    text: `${SOUND}strict: false\nlog: { level: loud }\nstrict: true\n`,
    problems: [
      'c.yaml:4:15: log.level: "loud" is not one of its values (write trace, debug, info, warn, error, fatal, silent)',
      'c.yaml:5:1: strict: the key "strict" is there twice, first in line 3 (remove one)',
    ],
  },
  {
    name: "__proto__ as key",
    text: `${SOUND}__proto__: { strict: true }\n`,
    problems: ['c.yaml:3:1: __proto__: "__proto__" cannot be a key (remove one)'],
  },
  {
    name: "an alias without anchor",
    text: `${SOUND}log: *later\naccessLog: &later {}\n`,
    problems: ["c.yaml:3:6: log: no anchor &later stands before *later (name an earlier anchor)"],
  },
  {
    name: "an alias of what contains it",
    text: `${SOUND}log: &log { level: *log }\n`,
    problems: ["c.yaml:3:20: log.level: *log contains itself (name an earlier anchor)"],
  },
  {
    name: "a merge of something that is no mapping",
    text: `${SOUND}log: { <<: [1] }\n`,
    problems: ["c.yaml:3:8: log: << merges mappings, not 1 (write <<: *anchor of a mapping)"],
  },
  {
    name: "nesting without end in brackets",
    text: "[".repeat(50_000),
    problems: ["c.yaml:1:1: the document is nested too deeply (flatten the document)"],
  },
  {
    name: "nesting without end in dashes",
    text: "- ".repeat(50_000),
    problems: ["c.yaml:1:1: the document is nested too deeply (flatten the document)"],
  },
  {
    name: "a list as the whole file",
    text: "- 1\n",
    problems: ["c.yaml:1:1: a list is not a mapping (write keys and values below it)"],
  },
  // Keys.
  {
    name: "neither listeners nor upstreams",
    text: "strict: true\n",
    problems: [
      "c.yaml:1:1: listeners: is missing (add one: - address: 0.0.0.0:8080)",
      "c.yaml:1:1: upstreams: is missing (add one: a name, and below it address and schema)",
    ],
  },
  {
    name: "empty listeners and upstreams",
    text: "listeners: []\nupstreams: {}\n",
    problems: [
      "c.yaml:1:1: listeners: is empty (add one: - address: 0.0.0.0:8080)",
      "c.yaml:2:1: upstreams: is empty (add one: a name, and below it address and schema)",
    ],
  },
  {
    name: "misspelt keys at every level",
    text: `${listener("enigne: uws", "cors: { max_age: 1s }")}defaults: { json: { depth: 1 } }\nlogs: {}\n`,
    problems: [
      "c.yaml:3:5: listeners[0].enigne: is not a key here (did you mean engine?)",
      "c.yaml:4:13: listeners[0].cors.max_age: is not a key here (did you mean maxAge?)",
      "c.yaml:6:21: defaults.json.depth: is not a key here (known keys: emitDefaults, enumsAsNumbers, int64, protoFieldNames, pretty, prettyPrintParameter, maxDepth)",
      "c.yaml:7:1: logs: is not a key here (did you mean log?)",
    ],
  },
  {
    name: "wrong kinds of values",
    text: `${HEAD}upstreams: { library: 5 }\nadmin: on\nlog: [info]\ndefaults: { json: text }\n`,
    problems: [
      "c.yaml:2:23: upstreams.library: 5 is not a mapping (write keys and values below it)",
      'c.yaml:3:8: admin: "on" is not a mapping (write keys and values below it)',
      "c.yaml:4:1: log: a list is not a mapping (write keys and values below it)",
      'c.yaml:5:19: defaults.json: "text" is not a mapping (write keys and values below it)',
    ],
  },
  {
    name: "a key without value",
    text: `${SOUND}strict:\n`,
    problems: ["c.yaml:3:1: strict: is empty (give a value or remove the key)"],
  },
  // Listeners.
  {
    name: "listener addresses",
    text: `listeners:\n${["8080", "localhost", "http://h:1", "h:65536", "'[::1]'", "'::1:80'"].map((a) => `  - address: ${a}\n`).join("")}${LIBRARY}`,
    problems: [
      "c.yaml:2:14: listeners[0].address: 8080 is not an address (write :8080)",
      'c.yaml:3:14: listeners[1].address: "localhost" is not an address (the port is missing; write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
      'c.yaml:4:14: listeners[2].address: "http://h:1" is not an address (leave the scheme away; write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
      'c.yaml:5:14: listeners[3].address: "h:65536" has a port above 65535 (ports are 0 to 65535)',
      'c.yaml:6:14: listeners[4].address: "[::1]" is not an address (write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
      'c.yaml:7:14: listeners[5].address: "::1:80" is not an address (write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
    ],
  },
  {
    name: "addresses that collide, found beside another fault",
    text: `listeners:\n  - address: 0.0.0.0:80\n  - address: 10.0.0.1:80\n  - address: localhost:9901\n    engine: 5\n${LIBRARY}`,
    problems: [
      'c.yaml:1:1: admin.address: "127.0.0.1:9901" is taken by listeners[2].address (give each listener a port of its own)',
      'c.yaml:3:14: listeners[1].address: "10.0.0.1:80" is taken by listeners[0].address (give each listener a port of its own)',
      "c.yaml:5:13: listeners[2].engine: 5 is not one of its values (write auto, uws, node)",
    ],
  },
  {
    name: "unix sockets that collide, and modes that are none",
    text: `listeners:\n  - address: unix:/run/a.sock\n    socketMode: 0660\n  - address: unix:///run/a.sock\n  - address: :80\n    socketMode: "0600"\nadmin: { address: "unix:a.sock", socketMode: "0999" }\n${LIBRARY}`,
    problems: [
      'c.yaml:3:17: listeners[0].socketMode: 660 is not a file mode (write three or four octal digits in quotes: "0660")',
      'c.yaml:4:14: listeners[1].address: "unix:///run/a.sock" is taken by listeners[0].address (give each listener a port of its own)',
      "c.yaml:6:17: listeners[2].socketMode: is for unix sockets alone (leave it away, or write address: unix:/path)",
      'c.yaml:7:19: admin.address: "unix:a.sock" is not an absolute path (write unix:/path/to/socket)',
      'c.yaml:7:46: admin.socketMode: "0999" is not a file mode (write three or four octal digits in quotes: "0660")',
    ],
  },
  {
    name: "limits of a listener that are out of bounds",
    text: listener(
      "limits: { connections: -1, maxHeaders: 4, maxUrlBytes: 8B, headTimeout: 1ms, bodyTimeout: 1ms }",
    ),
    problems: [
      "c.yaml:3:28: listeners[0].limits.connections: -1 is out of range (write a number from 0 to 10000000)",
      "c.yaml:3:44: listeners[0].limits.maxHeaders: 4 is out of range (write a number from 8 to 1000)",
      'c.yaml:3:60: listeners[0].limits.maxUrlBytes: "8B" is too little (at least 64)',
      'c.yaml:3:77: listeners[0].limits.headTimeout: "1ms" is too little (at least 1s)',
      'c.yaml:3:95: listeners[0].limits.bodyTimeout: "1ms" is too little (at least 1s)',
    ],
  },
  {
    name: "limits that only the engine node can hold",
    text: listener("engine: uws", "limits: { maxHeaders: 97, headTimeout: 5s, requestsPerConnection: 1000 }"),
    problems: [
      "c.yaml:4:27: listeners[0].limits.maxHeaders: cannot be had with engine: uws; uWebSockets.js takes at most 96 fields (leave the key away, or write engine: node)",
      "c.yaml:4:44: listeners[0].limits.headTimeout: cannot be had with engine: uws; uWebSockets.js has 10s, fixed (leave the key away, or write engine: node)",
      "c.yaml:4:71: listeners[0].limits.requestsPerConnection: cannot be had with engine: uws; uWebSockets.js does not tell which connection a request came on (leave the key away, or write engine: node)",
    ],
  },
  {
    name: "limits of a listener",
    text: listener("maxHeaderBytes: 2MiB", "idleTimeout: 100ms", "trustedHops: -1", "engine: uwz"),
    problems: [
      'c.yaml:3:21: listeners[0].maxHeaderBytes: "2MiB" is too much (at most 1MiB)',
      'c.yaml:4:18: listeners[0].idleTimeout: "100ms" is too little (at least 1s)',
      "c.yaml:5:18: listeners[0].trustedHops: -1 is out of range (write a number from 0 to 32)",
      'c.yaml:6:13: listeners[0].engine: "uwz" is not one of its values (did you mean uws?)',
    ],
  },
  {
    name: "CORS with * and credentials",
    text: listener('cors: { enabled: true, origins: ["*"], credentials: true }'),
    problems: [
      "c.yaml:3:57: listeners[0].cors.credentials: the origin * cannot be combined with credentials (name the origins, or set credentials: false)",
    ],
  },
  {
    name: "CORS without origins",
    text: listener("cors: { enabled: true }"),
    problems: [
      'c.yaml:3:5: listeners[0].cors.origins: CORS is enabled, but no origin is let in (list them under origins, or write ["*"])',
    ],
  },
  {
    name: "origins that browsers never send",
    text: listener(
      "cors:",
      "  origins:",
      ...["https://A.com", "https://a.com/", "https://a.com:443", "a.com", "'null'", "https://a.*.com"].map(
        (origin) => `    - ${origin}`,
      ),
    ),
    problems: [
      'c.yaml:5:11: listeners[0].cors.origins[0]: "https://A.com" is not an origin (browsers send lower case)',
      'c.yaml:6:11: listeners[0].cors.origins[1]: "https://a.com/" is not an origin (leave the path and its slash away)',
      'c.yaml:7:11: listeners[0].cors.origins[2]: "https://a.com:443" never occurs (leave the default port away, as browsers do)',
      'c.yaml:8:11: listeners[0].cors.origins[3]: "a.com" is not an origin (write scheme://host or scheme://host:port: https://app.example.com)',
      'c.yaml:9:11: listeners[0].cors.origins[4]: "null" is not an origin (write scheme://host or scheme://host:port: https://app.example.com)',
      'c.yaml:10:11: listeners[0].cors.origins[5]: "https://a.*.com" is not an origin (write scheme://host or scheme://host:port: https://app.example.com)',
    ],
  },
  // Upstreams.
  {
    name: "an upstream with a bad name, without address and schema",
    text: `${HEAD}upstreams:\n  My Lib: {}\n`,
    problems: [
      'c.yaml:3:3: upstreams."My Lib": "My Lib" cannot name an upstream (start with a-z, go on with a-z, 0-9, - and _; at most 63)',
      'c.yaml:3:3: upstreams."My Lib".address: is missing (give host:port, a list of them, or unix:/path)',
      'c.yaml:3:3: upstreams."My Lib".schema: is missing (write keys and values below it)',
    ],
  },
  {
    name: "addresses with weights",
    text: `${HEAD}upstreams:
  a:
    schema: { reflection: true }
    loadBalancing: weighted
    address: [{ address: h:1, weight: 0 }, { weight: 2 }, { address: h:1, wieght: 2 }, { address: "h" }, 7]
  b:
    schema: { reflection: true }
    address: [{ address: h:1, weight: 2 }, h:2]
`,
    problems: [
      "c.yaml:6:39: upstreams.a.address[0].weight: 0 is out of range (write a number from 1 to 1000)",
      "c.yaml:6:44: upstreams.a.address[1].address: is missing (add the key and its value)",
      "c.yaml:6:75: upstreams.a.address[2].wieght: is not a key here (did you mean weight?)",
      'c.yaml:6:99: upstreams.a.address[3].address: "h" is not an address (the port is missing; write host:port, [::1]:50051, dns:///host:port or unix:/path)',
      "c.yaml:6:106: upstreams.a.address[4]: 7 is not an address (write host:port, [::1]:50051, dns:///host:port or unix:/path)",
      "c.yaml:9:39: upstreams.b.address[0].weight: only loadBalancing: weighted reads weights (set it, or remove weight)",
    ],
  },
  {
    name: "connections and limits",
    text: upstream(
      "loadBalancing: round-robin",
      "connections: { perEndpoint: 0, maxAge: 10ms, resolveInterval: 1, keepalive: { time: 500ms } }",
      "limits: { maxPending: -1, maxPendingBytes: lots }",
    ),
    problems: [
      'c.yaml:6:20: upstreams.library.loadBalancing: "round-robin" is not one of its values (did you mean round_robin?)',
      "c.yaml:7:33: upstreams.library.connections.perEndpoint: 0 is out of range (write a number from 1 to 1000)",
      'c.yaml:7:44: upstreams.library.connections.maxAge: "10ms" is too little (at least 1s)',
      "c.yaml:7:67: upstreams.library.connections.resolveInterval: 1 has no unit (write 1s or 1ms)",
      'c.yaml:7:89: upstreams.library.connections.keepalive.time: "500ms" is too little (at least 1s)',
      "c.yaml:8:27: upstreams.library.limits.maxPending: -1 is out of range (write a number from 0 to 10000000)",
      'c.yaml:8:48: upstreams.library.limits.maxPendingBytes: "lots" is not a size (write bytes or a number with a unit: 65536, 32KiB, 4MiB, 1GB)',
    ],
  },
  {
    name: "health checks and ejections",
    text: upstream(
      'healthCheck: { service: "a\\nb", mode: wach, interval: 1ms, unhealthyAfter: 0, servce: x }',
      "outlierEjection: { consecutiveFailures: -1, latencyFactor: 1.5, baseEjection: 10s, maxEjection: 5s, maxEjected: 101 }",
    ),
    problems: [
      'c.yaml:6:29: upstreams.library.healthCheck.service: "a\\nb" holds a control character (remove it)',
      'c.yaml:6:43: upstreams.library.healthCheck.mode: "wach" is not one of its values (did you mean watch?)',
      'c.yaml:6:59: upstreams.library.healthCheck.interval: "1ms" is too little (at least 100ms)',
      "c.yaml:6:80: upstreams.library.healthCheck.unhealthyAfter: 0 is out of range (write a number from 1 to 100)",
      "c.yaml:6:83: upstreams.library.healthCheck.servce: is not a key here (did you mean service?)",
      "c.yaml:7:45: upstreams.library.outlierEjection.consecutiveFailures: -1 is out of range (write a number from 0 to 10000)",
      "c.yaml:7:64: upstreams.library.outlierEjection.latencyFactor: 1.5 is not a whole number (write a number from 0 to 10000)",
      "c.yaml:7:101: upstreams.library.outlierEjection.maxEjection: is shorter than baseEjection (make it as long, or longer)",
      "c.yaml:7:117: upstreams.library.outlierEjection.maxEjected: 101 is out of range (write a number from 0 to 100)",
    ],
  },
  {
    name: "keys that grpc-js cannot honour",
    text: upstream(
      "client: grpc-js",
      "loadBalancing: weighted",
      "connections: { maxAge: 10m, warmUp: 2s }",
      "limits: { maxInFlight: 5, maxPending: 5 }",
      "healthCheck: true",
      "outlierEjection: { maxEjected: 10 }",
    ),
    problems: [
      'c.yaml:7:20: upstreams.library.loadBalancing: "weighted" cannot be had with client: grpc-js (write round_robin or pick_first, or take client: http2)',
      "c.yaml:8:28: upstreams.library.connections.maxAge: cannot be had with client: grpc-js (remove it, or take client: http2)",
      "c.yaml:9:43: upstreams.library.limits.maxPending: cannot be had with client: grpc-js (remove it, or take client: http2)",
      "c.yaml:10:18: upstreams.library.healthCheck: true cannot be had with client: grpc-js (write false, or take client: http2)",
      "c.yaml:11:5: upstreams.library.outlierEjection: a mapping cannot be had with client: grpc-js (write false, or take client: http2)",
    ],
  },
  {
    name: "upstream addresses",
    text: `${HEAD}upstreams:\n  a: { address: "h:0", schema: { reflection: true } }\n  b: { address: [":1", "unix:x", "dns://h:1"], schema: { reflection: true } }\n  c: { address: [], schema: { reflection: true } }\n`,
    problems: [
      'c.yaml:3:17: upstreams.a.address: "h:0" has no usable port (ports are 1 to 65535)',
      'c.yaml:4:18: upstreams.b.address[0]: ":1" is not an address (write host:port, [::1]:50051, dns:///host:port or unix:/path)',
      'c.yaml:4:24: upstreams.b.address[1]: "unix:x" is not an absolute path (write unix:/path/to/socket)',
      'c.yaml:4:34: upstreams.b.address[2]: "dns://h:1" is not an address (leave the scheme away; write host:port, [::1]:50051, dns:///host:port or unix:/path)',
      "c.yaml:5:8: upstreams.c.address: is empty (give host:port, a list of them, or unix:/path)",
    ],
  },
  {
    name: "schemas without source",
    text: `${HEAD}upstreams:\n  a: { address: "h:1", schema: { reflection: false } }\n  b: { address: "h:1", schema: { descriptors: [] } }\n  c: { address: "h:1", schema: { descriptors: x } }\n  d: { address: "h:1", schema: { reflection: true, importPaths: [x] } }\n`,
    problems: [
      "c.yaml:3:24: upstreams.a.schema: names no source (write reflection: true, descriptors: [file], or protos: [folder])",
      "c.yaml:4:24: upstreams.b.schema: names no source (write reflection: true, descriptors: [file], or protos: [folder])",
      'c.yaml:5:47: upstreams.c.schema.descriptors: "x" is not a list (write a list: [a, b])',
      "c.yaml:6:52: upstreams.d.schema.importPaths: is for protos, of which there are none (add protos, or remove it)",
    ],
  },
  {
    name: "TLS",
    text: upstream("tls: { ca: 5, serverName: 'h:443' }"),
    problems: [
      "c.yaml:6:16: upstreams.library.tls.ca: 5 is not text (put the value in quotes)",
      'c.yaml:6:31: upstreams.library.tls.serverName: "h:443" is not a host name (write a name such as api.example.com, without a port)',
    ],
  },
  // Route options.
  {
    name: "durations",
    text: `${SOUND}defaults: { deadline: 5, idleTimeout: 5 parsecs }\nshutdown: { drainTimeout: 600h, readinessDelay: -1s }\n`,
    problems: [
      "c.yaml:3:23: defaults.deadline: 5 has no unit (write 5s or 5ms)",
      'c.yaml:3:39: defaults.idleTimeout: "5 parsecs" is not a duration (write numbers with units, largest first: 250ms, 5s, 1m30s, 2h)',
      'c.yaml:4:27: shutdown.drainTimeout: "600h" is too much (at most 24 days)',
      'c.yaml:4:49: shutdown.readinessDelay: "-1s" is not a duration (write numbers with units, largest first: 250ms, 5s, 1m30s, 2h)',
    ],
  },
  {
    name: "sizes",
    text: upstream("maxReceiveMessageBytes: 4 MiB", "maxRequestBodyBytes: 2GiB"),
    problems: [
      'c.yaml:6:29: upstreams.library.maxReceiveMessageBytes: "4 MiB" is not a size (write bytes or a number with a unit: 65536, 32KiB, 4MiB, 1GB)',
      'c.yaml:7:26: upstreams.library.maxRequestBodyBytes: "2GiB" is too much (at most 2147483647)',
    ],
  },
  {
    name: "statuses by code",
    text: upstream(
      "errors:",
      "  statusByCode: { OK: 400, NOTFOUND: 404, 9: 400, ABORTED: 200, INTERNAL: 600 }",
    ),
    problems: [
      "c.yaml:7:23: upstreams.library.errors.statusByCode.OK: OK is no error (remove it: its status is 200)",
      'c.yaml:7:32: upstreams.library.errors.statusByCode.NOTFOUND: "NOTFOUND" is not a gRPC code (did you mean NOT_FOUND?)',
      'c.yaml:7:47: upstreams.library.errors.statusByCode.9: "9" is not a gRPC code (write a name such as FAILED_PRECONDITION)',
      "c.yaml:7:64: upstreams.library.errors.statusByCode.ABORTED: 200 is out of range (write a number from 400 to 599)",
      "c.yaml:7:79: upstreams.library.errors.statusByCode.INTERNAL: 600 is out of range (write a number from 400 to 599)",
    ],
  },
  {
    name: "streams",
    text: upstream(
      "etag: strnog",
      "stream:",
      "  format: sse2",
      "  envelope: grpc",
      "  sse: { event: end, idField: a..b, lastEventIdField: 7, heartbeat: 15, retry: 2h, retries: 1 }",
    ),
    problems: [
      'c.yaml:6:11: upstreams.library.etag: "strnog" is not one of its values (did you mean strong?)',
      'c.yaml:8:15: upstreams.library.stream.format: "sse2" is not one of its values (did you mean sse?)',
      'c.yaml:9:17: upstreams.library.stream.envelope: "grpc" is not one of its values (write none, grpc-gateway)',
      'c.yaml:10:21: upstreams.library.stream.sse.event: "end" is the name of an event of the gateway\'s own (choose another name)',
      'c.yaml:10:35: upstreams.library.stream.sse.idField: "a..b" is not a field path (write names as in the .proto file: event.sequence_id)',
      "c.yaml:10:59: upstreams.library.stream.sse.lastEventIdField: 7 is not a field path (write names as in the .proto file: event.sequence_id)",
      "c.yaml:10:73: upstreams.library.stream.sse.heartbeat: 15 has no unit (write 15s or 15ms)",
      'c.yaml:10:84: upstreams.library.stream.sse.retry: "2h" is too much (at most 1h)',
      "c.yaml:10:88: upstreams.library.stream.sse.retries: is not a key here (known keys: event, idField, lastEventIdField, heartbeat, retry)",
    ],
  },
  {
    name: "header rules",
    text: upstream(
      "requestHeaders:",
      "  allow: ['a b', 'x*y']",
      "  rename: { x-a: content-length, x-b: grpc-c, x-c: b d, X-D: d, x-d: e }",
    ),
    problems: [
      'c.yaml:7:15: upstreams.library.requestHeaders.allow[0]: "a b" is not a header name (write a name such as x-request-id; a * may stand at the end)',
      'c.yaml:7:22: upstreams.library.requestHeaders.allow[1]: "x*y" is not a header name (write a name such as x-request-id; a * may stand at the end)',
      'c.yaml:8:22: upstreams.library.requestHeaders.rename.x-a: "content-length" is the gateway\'s own (choose another name)',
      'c.yaml:8:43: upstreams.library.requestHeaders.rename.x-b: "grpc-c" is reserved by gRPC (choose a name without grpc-)',
      'c.yaml:8:56: upstreams.library.requestHeaders.rename.x-c: "b d" is not a metadata name (use letters, digits, - _ and . only)',
    ],
  },
  {
    name: "header names that differ in case alone",
    text: upstream("responseHeaders: { rename: { X-D: d, x-d: e } }"),
    problems: [
      'c.yaml:6:42: upstreams.library.responseHeaders.rename.x-d: "x-d" and "X-D" are one name (remove one)',
    ],
  },
  {
    name: "selectors of routes",
    text: upstream("routes:", "  - selector: a.*.b", "  - selector: /a.B/C", "  - deadline: 1s"),
    problems: [
      'c.yaml:7:19: upstreams.library.routes[0].selector: "a.*.b" is not a selector (write package.Service.Method, package.* or * (a * only stands at the end))',
      'c.yaml:8:19: upstreams.library.routes[1].selector: "/a.B/C" is not a selector (write dots: package.Service.Method)',
      "c.yaml:9:9: upstreams.library.routes[2]: does not say which routes are meant (add path: /v1/** or selector: package.Service.*)",
    ],
  },
  {
    name: "path patterns and methods of routes",
    text: `${SOUND}routes:
  - path: v1/books
  - { path: "/v1/{id}", methods: [] }
  - { path: /v1/**, methods: [get, ""] }
  - { selector: a.B.C, upstream: library }
`,
    problems: [
      'c.yaml:4:11: routes[0].path: "v1/books" is not a path pattern: it does not begin with / (write /v1/books/* for one segment, or /v1/books/** for everything below)',
      'c.yaml:5:13: routes[1].path: "/v1/{id}" is not a path pattern: it names a variable (write * or ** in its place)',
      "c.yaml:5:25: routes[1].methods: is empty (write methods such as GET, or remove the key)",
      'c.yaml:6:31: routes[2].methods[0]: "get" has lower-case letters (write GET)',
      'c.yaml:6:36: routes[2].methods[1]: "" is not an HTTP method (write a method such as GET)',
      "c.yaml:7:24: routes[3].upstream: is not a key here (did you mean stream?)",
    ],
  },
  {
    name: "routes and names of listeners",
    text: `listeners:
  - address: :1
    name: Public
    routes: { include: [], exclude: [{}] }
  - address: :2
    name: twice
    routes: { include: [{ upstream: libary }, { upstream: 7 }] }
  - address: :3
    name: twice
    routes: [/v1/**]
${LIBRARY}`,
    problems: [
      'c.yaml:3:11: listeners[0].name: "Public" cannot name a listener (start with a-z, go on with a-z, 0-9, - and _; at most 63)',
      "c.yaml:4:15: listeners[0].routes.include: is empty (name routes, or remove the key)",
      "c.yaml:4:38: listeners[0].routes.exclude[0]: does not say which routes are meant (add path: /v1/** or selector: package.Service.*)",
      'c.yaml:7:37: listeners[1].routes.include[0].upstream: there is no upstream "libary" (did you mean library?)',
      "c.yaml:7:59: listeners[1].routes.include[1].upstream: 7 is not the name of an upstream (write a key of upstreams)",
      'c.yaml:9:11: listeners[2].name: "twice" is the name of another listener (give each a name of its own)',
      "c.yaml:10:5: listeners[2].routes: a list is not a mapping (write keys and values below it)",
    ],
  },
  {
    name: "headers that are set, caches, CORS of routes",
    text: `${SOUND}defaults:
  requestHeaders: { set: { host: a, grpc-x: a, x-forwarded-for: a, "a b": a, x-k: "é" } }
  responseHeaders: { set: { Cache-Control: no-store, access-control-max-age: "1", x-b: 7 } }
  cache: { control: "max_age=60", errors: "max-age=1m", vary: ["a b"] }
  cors: { origins: ["*"], credentials: true }
`,
    problems: [
      'c.yaml:4:28: defaults.requestHeaders.set.host: "host" cannot be set (the gateway writes this one itself)',
      'c.yaml:4:37: defaults.requestHeaders.set.grpc-x: "grpc-x" is reserved by gRPC (choose a name without grpc-)',
      'c.yaml:4:48: defaults.requestHeaders.set.x-forwarded-for: "x-forwarded-for" cannot be set (the gateway writes this one itself)',
      'c.yaml:4:68: defaults.requestHeaders.set."a b": "a b" is not a metadata name (use letters, digits, - _ and . only)',
      "c.yaml:4:83: defaults.requestHeaders.set.x-k: holds a character that is not printable ASCII, the 1th (send it as a -bin name)",
      'c.yaml:5:29: defaults.responseHeaders.set.Cache-Control: "Cache-Control" cannot be set (use cache.control and cache.errors)',
      'c.yaml:5:54: defaults.responseHeaders.set.access-control-max-age: "access-control-max-age" cannot be set (use cors)',
      "c.yaml:5:88: defaults.responseHeaders.set.x-b: is not text (put the value in quotes)",
      'c.yaml:6:21: defaults.cache.control: "max_age=60" is not a directive (write directives such as public, max-age=60)',
      'c.yaml:6:43: defaults.cache.errors: "max-age=1m" gives no number of seconds (write max-age=60)',
      'c.yaml:6:64: defaults.cache.vary[0]: "a b" is not a header name (write a name such as x-request-id)',
      "c.yaml:7:40: defaults.cors.credentials: the origin * cannot be combined with credentials (name the origins, or set credentials: false)",
    ],
  },
  {
    name: "headers that are set twice, or to what is no base64",
    text: `${SOUND}defaults:
  requestHeaders: { set: { x-j-bin: a } }
  responseHeaders: { set: { X-A: a, x-a: b } }
`,
    problems: [
      "c.yaml:4:37: defaults.requestHeaders.set.x-j-bin: is not base64 (encode the bytes: printf ... | base64)",
      "c.yaml:5:42: defaults.responseHeaders.set.x-a: is there twice, in other letters (remove one)",
    ],
  },
  {
    name: "patterns of query parameters",
    text: `${SOUND}defaults: { ignoredQueryParameters: ["utm_*", "a*b", ""] }\n`,
    problems: [
      'c.yaml:3:47: defaults.ignoredQueryParameters[1]: "a*b" has a * in the middle (write a name such as utm_source; a * may stand at the end)',
      'c.yaml:3:54: defaults.ignoredQueryParameters[2]: "" is not a parameter name (write a name such as utm_source; a * may stand at the end)',
    ],
  },
];

for (const { name, text, problems } of CASES) {
  test(`problems and their places: ${name}`, () => {
    const result = parseConfigText(text, "c.yaml", {});
    // Where a guard of the YAML parser ends is not ours to say.
    const lines = result.problems
      .map(formatProblem)
      .map((line) => line.replace(/:1:\d+: the document/, ":1:1: the document"));
    assert.deepEqual(lines, problems);
    assert.equal(result.config, undefined);
  });
}

test("an alias bomb ends at the limit of values", () => {
  const layers = "bcdefghijkl"
    .split("")
    .map((key, i) => `${key}: &${key} [${Array(9).fill(`*${"abcdefghijk"[i]}`).join()}]\n`);
  const { problems, config } = parseConfigText(`a: &a [x]\n${layers.join("")}`, "c.yaml", {});
  assert.equal(config, undefined);
  const found = problems.filter(({ what }) => what === "the document has more than 100000 values");
  assert.equal(found.length, 1);
});

test("a long value is cut in messages", () => {
  const { problems } = parseConfigText(`${SOUND}strict: ${"y".repeat(5000)}\n`, "c.yaml", {});
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.what, `strict: "${"y".repeat(76)}... is not a boolean`);
});
