import { createHttp2Client } from "../../../src/upstream/clients/http2/index.ts";
import { describeAdditions } from "./additions.ts";
import { describeCalls } from "./calls.ts";
import { describeConnections } from "./connections.ts";
import { describeReplies } from "./replies.ts";
import { GRPC_JS_SERVER, HTTP2_SERVER } from "./servers.ts";
import type { Subject } from "./subject.ts";
import { describeTls } from "./tls.ts";

const subject: Subject = { factory: createHttp2Client("sluice/0.0.0"), skips: {} };

for (const kind of [GRPC_JS_SERVER, HTTP2_SERVER]) describeCalls(subject, kind);
describeReplies(subject);
describeConnections(subject);
describeTls(subject);
describeAdditions(subject);
