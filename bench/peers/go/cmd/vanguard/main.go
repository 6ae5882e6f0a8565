// Command vanguard serves the library's API with vanguard-go in front of a reverse proxy that speaks HTTP/2 without TLS:
// vanguard's own way to stand before a gRPC server in another process.
//
// As with the other peers, messages that are not set are left out of the JSON.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"

	"connectrpc.com/vanguard"
	"google.golang.org/protobuf/encoding/protojson"

	libraryv1 "sluice.example/bench/peers/gen/library/v1"
	"sluice.example/bench/peers/internal/peer"
)

func main() {
	addresses := peer.ParseAddresses()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addresses.Upstream})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	proxy.Transport = &http.Transport{Protocols: protocols, DisableCompression: true}
	proxy.FlushInterval = -1

	service := vanguard.NewService(
		libraryv1.LibraryService_ServiceDesc.ServiceName,
		proxy,
		vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
		vanguard.WithTargetCodecs(vanguard.CodecProto),
		vanguard.WithNoTargetCompression(),
	)
	transcoder, err := vanguard.NewTranscoder([]*vanguard.Service{service}, vanguard.WithCodec(newCodec))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: transcoder}).Serve(addresses.MustListen()))
}

func newCodec(resolver vanguard.TypeResolver) vanguard.Codec {
	return &vanguard.JSONCodec{
		MarshalOptions:   protojson.MarshalOptions{Resolver: resolver, EmitDefaultValues: true},
		UnmarshalOptions: protojson.UnmarshalOptions{Resolver: resolver, DiscardUnknown: true},
	}
}
