package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"exeunt/internal/who"
)

// circlesFirst holds the number of the account before the viewers'.
const circlesFirst = "EXEUNT_BENCH_FIRST"

// serveCircles is the child: it serves the house as the server does, and prints "circles ADDRESS COOKIE…", the viewers' and then the writers'.
func serveCircles(ctx context.Context) (err error) {
	first, err := strconv.Atoi(os.Getenv(circlesFirst))
	if err != nil {
		return fmt.Errorf("read %s: %w", circlesFirst, err)
	}
	i := &install{data: os.Getenv(homeData), address: os.Getenv(homeDatabase)}
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	var cookies strings.Builder
	for n := range viewers + cityWriters {
		account := who.ID(first + 1 + n)
		cookie, err := h.Accounts.Begin(ctx, account, account, "")
		if err != nil {
			return err
		}
		cookies.WriteString(" " + cookie)
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(ctx, at) }()
	fmt.Printf("circles %s%s\n", at.Addr(), cookies.String())
	return watched(failed)
}

// circlesServer is the child as the load sees it.
type circlesServer struct {
	*process
	community
	address string
	cookies []string // of viewers and writers
	profile string   // the file of the profile that it writes on demand
}

func (i *install) serveCommunity(ctx context.Context, c community) (*circlesServer, error) {
	profile := i.data + "/circles.pprof"
	cmd, err := childOf(ctx, "circles", i, profile)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", circlesFirst, c.first()))
	p, line, err := begin("circles ", cmd)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if len(fields) != 1+viewers+cityWriters {
		return nil, errors.Join(fmt.Errorf("the child said %.100q", line), p.end())
	}
	return &circlesServer{p, c, fields[0], fields[1:], profile}, nil
}
