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
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

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

	service := vanguard.NewServiceWithSchema(
		withoutRootPath(libraryv1.File_library_v1_library_proto, "LibraryService"),
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

// Vanguard refuses the template "/", which google.api.http allows, and with it the whole service.
func withoutRootPath(file protoreflect.FileDescriptor, service protoreflect.Name) protoreflect.ServiceDescriptor {
	description := protodesc.ToFileDescriptorProto(file)
	for _, service := range description.GetService() {
		for _, method := range service.GetMethod() {
			rule, ok := proto.GetExtension(method.GetOptions(), annotations.E_Http).(*annotations.HttpRule)
			if ok && rule.GetGet() == "/" {
				proto.ClearExtension(method.GetOptions(), annotations.E_Http)
			}
		}
	}
	changed, err := protodesc.NewFile(description, protoregistry.GlobalFiles)
	if err != nil {
		log.Fatal(err)
	}
	return changed.Services().ByName(service)
}

func newCodec(resolver vanguard.TypeResolver) vanguard.Codec {
	return &vanguard.JSONCodec{
		MarshalOptions:   protojson.MarshalOptions{Resolver: resolver, EmitDefaultValues: true},
		UnmarshalOptions: protojson.UnmarshalOptions{Resolver: resolver, DiscardUnknown: true},
	}
}
