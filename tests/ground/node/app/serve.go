package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const graceful = 10 * time.Second

// busy is how long a request for /burn keeps a processor.
const busy = 20 * time.Millisecond

// serve answers with the name of its host; /burn keeps a processor busy before. By environment variables:
//
//	PORT         where it listens; 8080
//	START_AFTER  seconds before it listens; BURN the same, with a busy processor
//	READY        "no" has /ready answer 503
//	WRITE_TO     a file that it must write at its start
//
// At SIGTERM it closes its listener at once and answers what is under way, as most servers do.
func serve([]string) error {
	burn(seconds("BURN"))
	time.Sleep(seconds("START_AFTER"))
	if path := os.Getenv("WRITE_TO"); path != "" {
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: ":" + given("PORT", "8080"), Handler: handler()}
	ended := make(chan error, 1)
	go func() { ended <- stop(server) }()
	fmt.Println("uid", os.Getuid(), "listens on", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

func handler() http.Handler {
	var ready atomic.Bool
	ready.Store(given("READY", "yes") == "yes")
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/burn", func(w http.ResponseWriter, _ *http.Request) {
		burn(busy)
		fmt.Fprintln(w, host)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		fmt.Fprintln(w, host)
	})
	return mux
}

func stop(server *http.Server) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	limited, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	return server.Shutdown(limited)
}

func burn(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
	}
}

func given(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func seconds(name string) time.Duration {
	count, _ := strconv.ParseFloat(given(name, "0"), 64)
	return time.Duration(count * float64(time.Second))
}
