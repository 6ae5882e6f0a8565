import { createHttp2Client } from "../../../src/upstream/clients/http2/index.ts";
import { describeAdditions } from "./additions.ts";
import { describeCalls } from "./calls.ts";
import { describeConnections } from "./connections.ts";
import { describeReplies } from "./replies.ts";
import type { Subject } from "./subject.ts";
import { describeTls } from "./tls.ts";

const subject: Subject = { factory: createHttp2Client("sluice/0.0.0"), skips: {} };

describeCalls(subject);
describeReplies(subject);
describeConnections(subject);
describeTls(subject);
describeAdditions(subject);
