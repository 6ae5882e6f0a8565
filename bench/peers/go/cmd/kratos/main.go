// Command kratos serves the methods of the library's API that the benchmark calls as a Kratos v3 HTTP service whose
// handlers forward to the upstream through a gRPC client: the nearest that Kratos has to a transcoding gateway.
//
// The routes are registered by hand through the same calls that protoc-gen-go-http generates (bind query, bind path, run
// the middleware chain, encode). Kratos' own JSON codec is encoding/json, which is not ProtoJSON; clients ask for its
// protojson codec by media type. Here that codec answers application/json, so that all peers are sent the same requests.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"reflect"
	"time"

	"github.com/go-kratos/kratos/v3/encoding"
	"github.com/go-kratos/kratos/v3/encoding/protojson"
	"github.com/go-kratos/kratos/v3/transport/http"
	gojson "google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	libraryv1 "sluice.example/bench/peers/gen/library/v1"
	"sluice.example/bench/peers/internal/peer"
)

// callTimeout is the limit of a call; Kratos' own default is one second.
const callTimeout = 30 * time.Second

// jsonCodec is Kratos' protojson codec under the name of its plain one.
type jsonCodec struct{ encoding.Codec }

func (jsonCodec) Name() string { return "json" }

// Unmarshal also takes a pointer to a message pointer: what binding a named body field passes.
func (codec jsonCodec) Unmarshal(data []byte, target any) error {
	if _, isMessage := target.(proto.Message); isMessage {
		return codec.Codec.Unmarshal(data, target)
	}
	field := reflect.ValueOf(target).Elem()
	if field.IsNil() {
		field.Set(reflect.New(field.Type().Elem()))
	}
	return codec.Codec.Unmarshal(data, field.Interface())
}

func main() {
	addresses := peer.ParseAddresses()
	protojson.MarshalOptions = gojson.MarshalOptions{EmitDefaultValues: true}
	encoding.RegisterCodec(jsonCodec{encoding.GetCodec(protojson.Name)})

	client := libraryv1.NewLibraryServiceClient(addresses.MustDial())
	server := http.NewServer(http.Listener(addresses.MustListen()), http.Timeout(callTimeout))
	routes := server.Route("/")
	routes.Handle("GET", "/v1/{name:shelves/[^/]+}", getShelf(client))
	routes.Handle("GET", "/v1/{parent:shelves/[^/]+}/books", listBooks(client))
	routes.Handle("POST", "/v1/{parent:shelves/[^/]+}/books", createBook(client))
	routes.Handle("GET", "/v1/{name:shelves/[^/]+/books/[^/]+}/cover", getCover(client))
	routes.Handle("GET", "/v1/{parent:shelves/[^/]+}/books:watch", watchBooks(client))
	log.Fatal(server.Start(context.Background()))
}

func getShelf(client libraryv1.LibraryServiceClient) http.HandlerFunc {
	return func(ctx http.Context) error {
		var in libraryv1.GetShelfRequest
		return forward(ctx, &in, libraryv1.LibraryService_GetShelf_FullMethodName, func(ctx context.Context) (any, error) {
			return client.GetShelf(ctx, &in)
		})
	}
}

func listBooks(client libraryv1.LibraryServiceClient) http.HandlerFunc {
	return func(ctx http.Context) error {
		var in libraryv1.ListBooksRequest
		return forward(ctx, &in, libraryv1.LibraryService_ListBooks_FullMethodName, func(ctx context.Context) (any, error) {
			return client.ListBooks(ctx, &in)
		})
	}
}

func createBook(client libraryv1.LibraryServiceClient) http.HandlerFunc {
	return func(ctx http.Context) error {
		var in libraryv1.CreateBookRequest
		if err := ctx.Bind(&in.Book); err != nil {
			return err
		}
		return forward(ctx, &in, libraryv1.LibraryService_CreateBook_FullMethodName, func(ctx context.Context) (any, error) {
			return client.CreateBook(ctx, &in)
		})
	}
}

func getCover(client libraryv1.LibraryServiceClient) http.HandlerFunc {
	return func(ctx http.Context) error {
		var in libraryv1.GetCoverRequest
		return forward(ctx, &in, libraryv1.LibraryService_GetCover_FullMethodName, func(ctx context.Context) (any, error) {
			return client.GetCover(ctx, &in)
		})
	}
}

// forward binds query and path, calls through the middleware chain and encodes the reply.
func forward(ctx http.Context, in proto.Message, operation string, call func(context.Context) (any, error)) error {
	if err := bind(ctx, in, operation); err != nil {
		return err
	}
	handler := ctx.Middleware(func(ctx context.Context, _ any) (any, error) { return call(ctx) })
	out, err := handler(ctx, in)
	if err != nil {
		return err
	}
	return ctx.Result(200, out)
}

// watchBooks streams server-sent events, the one form that Kratos has for a server stream.
func watchBooks(client libraryv1.LibraryServiceClient) http.HandlerFunc {
	return func(ctx http.Context) error {
		var in libraryv1.WatchBooksRequest
		if err := bind(ctx, &in, libraryv1.LibraryService_WatchBooks_FullMethodName); err != nil {
			return err
		}
		stream := http.NewServerSentEventServerStream(ctx)
		handler := ctx.Middleware(func(ctx context.Context, _ any) (any, error) {
			stream.SetContext(ctx)
			return nil, copyEvents(client, &in, stream)
		})
		_, err := handler(ctx, &in)
		return stream.Close(err)
	}
}

func copyEvents(client libraryv1.LibraryServiceClient, in *libraryv1.WatchBooksRequest, stream http.ServerStream) error {
	events, err := client.WatchBooks(stream.Context(), in)
	if err != nil {
		return err
	}
	for {
		event, err := events.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(event); err != nil {
			return err
		}
	}
}

func bind(ctx http.Context, in proto.Message, operation string) error {
	if err := ctx.BindQuery(in); err != nil {
		return err
	}
	http.SetOperation(ctx, operation)
	return ctx.BindVars(in)
}
