#!/usr/bin/env bash
# Regenerates src/gen from descriptors/protos. Needs Node >= 22 (protoc-gen-es) and the npm registry; run by hand when
# a proto changes. What it writes is committed, so that nobody who builds or tests the project needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
npm install --prefix "$tools" --no-save --no-audit --no-fund @bufbuild/buf@1.75.0 @bufbuild/protoc-gen-es@2.17.0
export PATH="$tools/node_modules/.bin:$PATH"

rm -rf src/gen
buf generate descriptors/protos --template '{
  "version": "v2",
  "plugins": [{
    "local": "protoc-gen-es", "out": "src/gen",
    "opt": ["target=ts", "import_extension=ts", "erasable_syntax=true"]
  }]
}' --path descriptors/protos/google --path descriptors/protos/grpc
