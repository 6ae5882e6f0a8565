import { grpcJs } from "../../../src/upstream/clients/grpc-js/index.ts";
import { describeAdditions } from "./additions.ts";
import { describeCalls } from "./calls.ts";
import { describeConnections } from "./connections.ts";
import { describeReplies } from "./replies.ts";
import type { Subject } from "./subject.ts";
import { describeTls } from "./tls.ts";

const subject: Subject = { factory: grpcJs, skips: {} };

describeCalls(subject);
describeReplies(subject);
describeConnections(subject);
describeTls(subject);
describeAdditions(subject);
