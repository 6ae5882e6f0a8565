// A grpc-go server for Sluice's channel contract: the methods that test/contract/channel/methods.ts describes, over raw
// bytes, so that no protoc is needed. It prints the address that it listens on, and ends when its input does.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
)

// rawCodec hands messages on as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (rawCodec) Name() string { return "proto" }

func main() {
	address := flag.String("listen", "127.0.0.1:0", "where to listen")
	maxStreams := flag.Uint("max-concurrent-streams", 0, "calls on one connection; 0 is any number")
	maxAge := flag.Duration("max-connection-age", 0, "GOAWAY after this; 0 is never")
	maxAgeGrace := flag.Duration("max-connection-age-grace", 0, "how long calls may take after that; 0 is any time")
	minPing := flag.Duration("min-ping-interval", 5*time.Minute, "more frequent PINGs end their connection")
	certificate := flag.String("certificate", "", "PEM file; plaintext without")
	key := flag.String("key", "", "PEM file")
	flag.Parse()

	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(rawCodec{}),
		grpc.MaxRecvMsgSize(64 << 20),
		grpc.MaxSendMsgSize(64 << 20),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge:      *maxAge,
			MaxConnectionAgeGrace: *maxAgeGrace,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: *minPing}),
	}
	if *maxStreams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(uint32(*maxStreams)))
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	methods := &methods{gates: map[string]chan struct{}{}}
	server := grpc.NewServer(append(options, grpc.UnknownServiceHandler(methods.handle))...)
	methods.server = server
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
	// Serve returns as soon as the listener is closed; the calls of a graceful stop go on until the input ends.
	select {}
}
