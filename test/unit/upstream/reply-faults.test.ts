/** Why an upstream cannot be reached, in words for an operator, from the texts of Node and OpenSSL. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unreachable } from "../../../src/upstream/reply-faults.ts";

const NOT_ACCEPTED = "it does not accept the TLS certificate of the gateway";
const NO_VERSION = "it speaks no version of TLS that is allowed";

/** Texts as OpenSSL 3 gives them in Node 20 and 22. */
const FAULTS: Readonly<Record<string, string>> = {
  "ECONNREFUSED connect ECONNREFUSED 127.0.0.1:1": "connection refused",
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED tlsv13 alert certificate required": NOT_ACCEPTED,
  "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE sslv3 alert bad certificate": NOT_ACCEPTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: NOT_ACCEPTED,
  "write EPROTO 80:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:rec_layer_s3.c:1605:SSL alert number 48":
    NOT_ACCEPTED,
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION tlsv1 alert protocol version": NO_VERSION,
  "ERR_SSL_UNSUPPORTED_PROTOCOL error:0A000102:SSL routines::unsupported protocol": NO_VERSION,
  "CERT_HAS_EXPIRED certificate has expired": "its TLS certificate is not accepted",
  "SELF_SIGNED_CERT_IN_CHAIN self-signed certificate in certificate chain":
    "its TLS certificate is not accepted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its TLS certificate is not accepted",
  "ERR_SSL_WRONG_VERSION_NUMBER wrong version number": "the TLS handshake failed",
  "something else": "no connection",
};

describe("an upstream that cannot be reached", () => {
  for (const [text, fault] of Object.entries(FAULTS)) {
    test(text, () => {
      assert.equal(unreachable("a:1", text).message, `upstream a:1 cannot be reached: ${fault}`);
    });
  }
});
