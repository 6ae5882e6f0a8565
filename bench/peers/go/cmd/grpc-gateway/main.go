// Command grpc-gateway serves the library's API with grpc-gateway v2, as its documentation sets a gateway up.
//
// Its JSON is that of its default marshaler but for one option: messages that are not set are left out instead of
// written as null, so that its replies are those of the others (and smaller than by default).
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"

	libraryv1 "sluice.example/bench/peers/gen/library/v1"
	"sluice.example/bench/peers/internal/peer"
)

func main() {
	addresses := peer.ParseAddresses()
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{
		Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{EmitDefaultValues: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		},
	}))
	if err := libraryv1.RegisterLibraryServiceHandler(context.Background(), mux, addresses.MustDial()); err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: mux}).Serve(addresses.MustListen()))
}
