package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// redisServer is a Redis of the run's own.
type redisServer struct {
	addr   string
	cmd    *exec.Cmd
	client *goredis.Client
}

func startRedis() (*redisServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &redisServer{addr: net.JoinHostPort("127.0.0.1", port)}
	s.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("it needs the program redis-server: %w", err)
	}
	s.client = goredis.NewClient(&goredis.Options{Addr: s.addr})
	for range 200 {
		if s.client.Ping(context.Background()).Err() == nil {
			return s, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("redis-server does not answer")
}

func (s *redisServer) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// cpu is the CPU time of this process and of Redis so far.
func (s *redisServer) cpu() (time.Duration, error) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, err
	}
	total := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	info, err := s.client.Info(context.Background(), "cpu").Result()
	if err != nil {
		return 0, err
	}
	for _, m := range usedCPU.FindAllStringSubmatch(info, -1) {
		seconds, _ := strconv.ParseFloat(m[1], 64)
		total += time.Duration(seconds * float64(time.Second))
	}
	return total, nil
}

// redisStats is what the server has done and has.
type redisStats struct{ requests, bytes, memory int64 }

var (
	calledCommands = regexp.MustCompile(`(?m)^cmdstat_(\w+):calls=(\d+)`)
	countedBytes   = regexp.MustCompile(`(?m)^total_net_(?:input|output)_bytes:(\d+)`)
	usedCPU        = regexp.MustCompile(`(?m)^used_cpu_(?:sys|user):([\d.]+)`)
	usedMemory     = regexp.MustCompile(`(?m)^used_memory:(\d+)`)
)

// stats counts what clients have sent. A script is one request; what it calls
// counts as commands of the server too, so GET and the like are taken off where
// scripts were called.
func (s *redisServer) stats() (redisStats, error) {
	info, err := s.client.Info(context.Background(), "stats", "commandstats", "memory").Result()
	if err != nil {
		return redisStats{}, err
	}
	var out redisStats
	calls := map[string]int64{}
	for _, m := range calledCommands.FindAllStringSubmatch(info, -1) {
		calls[m[1]], _ = strconv.ParseInt(m[2], 10, 64)
	}
	for _, name := range []string{"get", "mget", "set", "setex"} {
		out.requests += calls[name]
	}
	for _, m := range countedBytes.FindAllStringSubmatch(info, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		out.bytes += n
	}
	m := usedMemory.FindStringSubmatch(info)
	if m == nil {
		return redisStats{}, errors.New("INFO has no used_memory")
	}
	out.memory, err = strconv.ParseInt(m[1], 10, 64)
	return out, err
}
