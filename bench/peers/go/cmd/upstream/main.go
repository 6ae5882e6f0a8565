// Command upstream is the gRPC server that all gateways of the benchmark call.
//
// It knows methods by name and messages as bytes: a unary call is answered with the content of <replies>/<Method>.binpb,
// a call of WatchBooks with that message as often as field 2 (limit) of the request says. So it costs little and the
// replies have one source, the script that wrote the files.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	streamingMethod = "WatchBooks"
	limitField      = 2
)

// rawCodec hands messages on as bytes.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(message.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

func main() {
	listen := flag.String("listen", "", "host:port to serve gRPC on")
	folder := flag.String("replies", "", "folder with one <Method>.binpb per method")
	flag.Parse()
	replies, err := readReplies(*folder)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(rawCodec{}),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return answer(replies, stream) }),
		grpc.InitialWindowSize(1<<20),
		grpc.InitialConnWindowSize(1<<24),
	)
	log.Fatal(server.Serve(listener))
}

func readReplies(folder string) (map[string][]byte, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.binpb"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("-replies: no *.binpb in %q", folder)
	}
	replies := make(map[string][]byte, len(names))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		replies[strings.TrimSuffix(filepath.Base(name), ".binpb")] = content
	}
	return replies, nil
}

func answer(replies map[string][]byte, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	method := path[strings.LastIndexByte(path, '/')+1:]
	reply, known := replies[method]
	if !known {
		return status.Errorf(codes.Unimplemented, "%s has no reply", path)
	}
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	count := uint64(1)
	if method == streamingMethod {
		count = readVarint(request, limitField)
	}
	for range count {
		if err := stream.SendMsg(reply); err != nil {
			return err
		}
	}
	return nil
}

// readVarint returns the last value of a varint field at the top level, or 0.
func readVarint(message []byte, field protowire.Number) uint64 {
	value := uint64(0)
	for len(message) > 0 {
		number, wireType, tagLength := protowire.ConsumeTag(message)
		if tagLength < 0 {
			return value
		}
		message = message[tagLength:]
		if number == field && wireType == protowire.VarintType {
			value, _ = protowire.ConsumeVarint(message)
		}
		length := protowire.ConsumeFieldValue(number, wireType, message)
		if length < 0 {
			return value
		}
		message = message[length:]
	}
	return value
}
