package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// report is what load prints, as one line of JSON.
type report struct {
	Sent   int            `json:"sent"`
	Failed map[string]int `json:"failed"`
	Hosts  map[string]int `json:"hosts"`
	// Between is when the first and the last of those that failed were sent.
	Between []time.Time `json:"between"`
	// SlowestMilliseconds is that of all that were answered.
	SlowestMilliseconds int64 `json:"slowestMilliseconds"`
}

// What is answered late is not lost: a machine may be busy. A packet that was dropped is sent again after 1, 3 and 7 seconds.
const (
	connected = 10 * time.Second
	answered  = 30 * time.Second
)

// load sends RATE requests a second, whatever becomes of the earlier ones, for SECONDS or until SIGTERM.
// Each opens a connection of its own, unless it is to keep them.
func load(arguments []string) error {
	rate, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	keep := len(arguments) > 3 && arguments[3] == "keep"
	transport := &http.Transport{
		DisableKeepAlives: !keep, MaxIdleConnsPerHost: rate, DialContext: (&net.Dialer{Timeout: connected}).DialContext,
	}
	client := &http.Client{Transport: transport, Timeout: answered}
	told := report{Failed: map[string]int{}, Hosts: map[string]int{}}
	send(client, arguments[0], time.Second/time.Duration(rate), time.Duration(length)*time.Second, &told)
	return json.NewEncoder(os.Stdout).Encode(told)
}

func send(client *http.Client, url string, pause, length time.Duration, told *report) {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM)
	var guard sync.Mutex
	var under sync.WaitGroup
	defer under.Wait()
	began, ticks, over := time.Now(), time.NewTicker(pause), time.After(length)
	for sent := 0; ; {
		select {
		case <-ends:
			return
		case <-over:
			return
		case <-ticks.C:
			// A busy machine skips ticks: what is due by now is sent all the same.
			for ; sent < int(time.Since(began)/pause); sent++ {
				under.Go(func() { one(client, url, &guard, told) })
			}
		}
	}
}

func one(client *http.Client, url string, guard *sync.Mutex, told *report) {
	began := time.Now()
	host, failure := ask(client, url)
	guard.Lock()
	defer guard.Unlock()
	told.Sent++
	if failure != "" {
		told.Failed[failure]++
		told.Between = append(told.Between[:min(len(told.Between), 1)], began)
		return
	}
	told.Hosts[host]++
	told.SlowestMilliseconds = max(told.SlowestMilliseconds, time.Since(began).Milliseconds())
}

func ask(client *http.Client, url string) (host, failure string) {
	answer, err := client.Get(url)
	if err != nil {
		return "", last(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", last(err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", answer.Status
	}
	return strings.TrimSpace(string(body)), ""
}

// last returns the end of an error, which is its cause: addresses would make every one another.
func last(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}
