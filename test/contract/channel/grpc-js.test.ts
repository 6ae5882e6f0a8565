import { grpcJs } from "../../../src/upstream/clients/grpc-js/index.ts";
import { describeAdditions } from "./additions.ts";
import { describeCalls } from "./calls.ts";
import { describeConnections } from "./connections.ts";
import { describeReplies } from "./replies.ts";
import { GRPC_JS_SERVER, HTTP2_SERVER } from "./servers.ts";
import type { Subject } from "./subject.ts";
import { describeTls } from "./tls.ts";

const subject: Subject = { factory: grpcJs, skips: {} };

for (const kind of [GRPC_JS_SERVER, HTTP2_SERVER]) describeCalls(subject, kind);
describeReplies(subject);
describeConnections(subject);
describeTls(subject);
describeAdditions(subject);
