// Package peer is what all processes of the benchmark share: their two flags and their end.
package peer

import (
	"flag"
	"log"
	"net"
	"runtime"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Addresses are where a peer serves HTTP and where its gRPC upstream is, each host:port.
type Addresses struct {
	Listen   string
	Upstream string
}

// ParseAddresses reads -listen and -upstream.
func ParseAddresses() Addresses {
	var addresses Addresses
	flag.StringVar(&addresses.Listen, "listen", "", "host:port to serve HTTP on")
	flag.StringVar(&addresses.Upstream, "upstream", "", "host:port of the gRPC server")
	flag.Parse()
	log.Printf("%s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0))
	return addresses
}

// MustListen opens the HTTP listener, or ends the process.
func (addresses Addresses) MustListen() net.Listener {
	listener, err := net.Listen("tcp", addresses.Listen)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

// MustDial makes the one client connection of a peer, with grpc-go's defaults; ends the process on a bad address.
func (addresses Addresses) MustDial() *grpc.ClientConn {
	connection, err := grpc.NewClient(addresses.Upstream, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	return connection
}
