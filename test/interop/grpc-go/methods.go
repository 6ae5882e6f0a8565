package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// methods serves every call by the last part of its path.
type methods struct {
	server *grpc.Server
	mutex  sync.Mutex
	gates  map[string]chan struct{}
}

func (m *methods) handle(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	ctx := stream.Context()
	switch path {
	case "/test.Bytes/Echo":
		return eachMessage(stream, func(message []byte) error { return send(stream, message) })
	case "/test.Bytes/Metadata":
		return describeMetadata(stream)
	case "/test.Bytes/Join":
		count, bytes := 0, 0
		err := eachMessage(stream, func(message []byte) error {
			count++
			bytes += len(message)
			return nil
		})
		if err != nil {
			return err
		}
		return sendText(stream, strconv.Itoa(count)+":"+strconv.Itoa(bytes))
	case "/test.Bytes/Count":
		limit, err := receiveNumber(stream)
		for i := 0; err == nil && i < limit; i++ {
			err = sendText(stream, strconv.Itoa(i))
		}
		return err
	case "/test.Bytes/Flood":
		defer m.noteCancelled(ctx)
		if _, err := receive(stream); err != nil {
			return err
		}
		for {
			if err := send(stream, make([]byte, 64*1024)); err != nil {
				return err
			}
		}
	case "/test.Bytes/Slow":
		select {
		case <-m.gate("release " + idOf(ctx)):
			return eachMessage(stream, func([]byte) error { return nil })
		case <-ctx.Done():
			return ctx.Err()
		}
	case "/test.Bytes/Hang":
		<-ctx.Done()
		m.noteCancelled(ctx)
		return ctx.Err()
	case "/test.Bytes/Fail":
		stream.SetTrailer(metadata.Pairs("x-why", "because"))
		return status.Error(codes.NotFound, "no such bök: 100% %2F")
	case "/test.Bytes/FailLate":
		if err := sendText(stream, "first"); err != nil {
			return err
		}
		if _, err := receive(stream); err != nil {
			return err
		}
		return status.Error(codes.Aborted, "half-way")
	case "/test.Control/Cancelled":
		id, err := receive(stream)
		if err != nil {
			return err
		}
		return waitFor(ctx, m.gate("cancelled "+string(id)))
	case "/test.Control/Release":
		id, err := receive(stream)
		if err == nil {
			m.open("release " + string(id))
		}
		return err
	case "/test.Go/GracefulStop":
		go m.server.GracefulStop()
		return sendText(stream, "stopping")
	case "/test.Go/Peer":
		caller, _ := peer.FromContext(ctx)
		return sendText(stream, caller.Addr.String())
	case "/test.Go/Gzip":
		if err := grpc.SetSendCompressor(ctx, "gzip"); err != nil {
			return err
		}
		return eachMessage(stream, func(message []byte) error { return send(stream, message) })
	case "/test.Go/Remaining":
		deadline, ok := ctx.Deadline()
		if !ok {
			return sendText(stream, "none")
		}
		return sendText(stream, strconv.FormatInt(time.Until(deadline).Milliseconds(), 10))
	case "/test.Go/After":
		ms, err := receiveNumber(stream)
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			return sendText(stream, "answer")
		case <-ctx.Done():
			return ctx.Err()
		}
	case "/test.Go/Details":
		refusal, err := status.New(codes.FailedPrecondition, "not yet").
			WithDetails(&errdetails.ErrorInfo{Reason: "TOO_EARLY", Domain: "interop"})
		if err != nil {
			return err
		}
		return refusal.Err()
	default:
		return status.Error(codes.Unimplemented, "no method "+path)
	}
}

// gate gives the channel that open closes.
func (m *methods) gate(name string) chan struct{} {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	gate, ok := m.gates[name]
	if !ok {
		gate = make(chan struct{})
		m.gates[name] = gate
	}
	return gate
}

func (m *methods) open(name string) {
	gate := m.gate(name)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	select {
	case <-gate:
	default:
		close(gate)
	}
}

func (m *methods) noteCancelled(ctx context.Context) {
	if ctx.Err() != nil {
		m.open("cancelled " + idOf(ctx))
	}
}

func waitFor(ctx context.Context, gate chan struct{}) error {
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func idOf(ctx context.Context) string {
	received, _ := metadata.FromIncomingContext(ctx)
	return strings.Join(received.Get("x-id"), ",")
}

func describeMetadata(stream grpc.ServerStream) error {
	received, _ := metadata.FromIncomingContext(stream.Context())
	fields := [][2]string{}
	for name, values := range received {
		for _, value := range values {
			if strings.HasSuffix(name, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			fields = append(fields, [2]string{name, value})
		}
	}
	sort.SliceStable(fields, func(i, j int) bool { return fields[i][0] < fields[j][0] })
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	headers := metadata.Pairs("x-many", "one", "x-many", "two", "x-raw-bin", "\xff\xfe\x00")
	if err := stream.SendHeader(headers); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("x-late", "yes", "x-late-bin", "\x01\x02"))
	if err := eachMessage(stream, func([]byte) error { return nil }); err != nil {
		return err
	}
	return send(stream, text)
}

func eachMessage(stream grpc.ServerStream, use func([]byte) error) error {
	for {
		message, err := receive(stream)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = use(message)
		}
		if err != nil {
			return err
		}
	}
}

func receive(stream grpc.ServerStream) ([]byte, error) {
	var message []byte
	err := stream.RecvMsg(&message)
	return message, err
}

func receiveNumber(stream grpc.ServerStream) (int, error) {
	message, err := receive(stream)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(message))
}

func send(stream grpc.ServerStream, message []byte) error { return stream.SendMsg(&message) }

func sendText(stream grpc.ServerStream, text string) error { return send(stream, []byte(text)) }
