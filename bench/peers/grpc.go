package main

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/ringway/ringway/bench/rivals/peer"
)

// rpc is one stream in both directions, which is the fastest that gRPC has, of
// protobuf messages that are nothing but bytes.
type rpc struct {
	stream interface {
		SendMsg(any) error
		RecvMsg(any) error
	}
	in  wrapperspb.BytesValue
	end func()
}

const method = "/ringway.Peers/Talk"

func newGRPC(path string, first bool, _ int) (peer.Messenger, error) {
	if !first {
		conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		probe, err := dial(path) // the other side may not listen yet
		if err != nil {
			return nil, err
		}
		probe.Close()
		desc := &grpc.StreamDesc{StreamName: "Talk", ClientStreams: true, ServerStreams: true}
		stream, err := conn.NewStream(context.Background(), desc, method)
		if err != nil {
			return nil, err
		}
		return &rpc{stream: stream, end: func() { _ = conn.Close() }}, nil
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	streams, over := make(chan grpc.ServerStream), make(chan struct{})
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "ringway.Peers", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Talk", ClientStreams: true, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				streams <- stream
				<-over
				return nil
			},
		}},
	}, nil)
	go func() { _ = s.Serve(l) }()
	return &rpc{stream: <-streams, end: func() { close(over); s.Stop() }}, nil
}

func (r *rpc) Send(b []byte) error { return r.stream.SendMsg(&wrapperspb.BytesValue{Value: b}) }

func (r *rpc) Recv(n int) ([]byte, error) {
	if err := r.stream.RecvMsg(&r.in); err != nil {
		return nil, err
	}
	if len(r.in.Value) != n {
		return nil, fmt.Errorf("a message of %d bytes", len(r.in.Value))
	}
	return r.in.Value, nil
}

func (r *rpc) Close() { r.end() }
