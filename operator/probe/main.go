// Looks at its own isolation from inside, and writes what it saw as one line of JSON:
//
//	berth-probe [-to FILE] [-patience DURATION] [ADDRESS...]
//
// It tries to reach the API server and every ADDRESS (host:port), which the NetworkPolicy of its pod forbids. It judges
// nothing, and what it cannot read stays empty: kernels of sandboxes do not have every file.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	attempt = 2 * time.Second
	pause   = time.Second
	// lost is how many tries in a row must fail: a loaded network loses one now and then, and is open all the same.
	lost = 3
	// allowed is a name that every cluster has; an answer to it, were it only that it does not exist, has come over the network.
	allowed = "kubernetes.default.svc"
)

// sight is what was seen.
type sight struct {
	Kernel     string `json:"kernel"`
	BootID     string `json:"bootID"`
	UIDMap     string `json:"uidMap"`
	Seccomp    string `json:"seccomp"`
	NoNewPrivs string `json:"noNewPrivs"`
	CapEff     string `json:"capEff"`
	// Resolved tells whether a DNS server answered: the network works.
	Resolved bool `json:"resolved"`
	// Reached are those forbidden addresses that took connections to the end.
	Reached []string `json:"reached"`
}

func main() {
	to := flag.String("to", "/dev/termination-log", "file that is written")
	patience := flag.Duration("patience", 15*time.Second, "time that the network has to start to enforce policies")
	flag.Parse()
	line, err := json.Marshal(look("/proc", append(apiServer(), flag.Args()...), *patience))
	if err == nil {
		fmt.Println(string(line))
		err = os.WriteFile(*to, line, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fatal:", err)
		os.Exit(1)
	}
}

func look(proc string, addresses []string, patience time.Duration) sight {
	status := fields(read(proc + "/self/status"))
	return sight{
		Kernel:     read(proc + "/sys/kernel/osrelease"),
		BootID:     read(proc + "/sys/kernel/random/boot_id"),
		UIDMap:     strings.Join(strings.Fields(read(proc+"/self/uid_map")), " "),
		Seccomp:    status["Seccomp"],
		NoNewPrivs: status["NoNewPrivs"],
		CapEff:     status["CapEff"],
		Resolved:   resolves(allowed),
		Reached:    reached(addresses, patience),
	}
}

func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

func fields(status string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		found[name] = strings.TrimSpace(value)
	}
	return found
}

// apiServer returns the address that the kubelet tells every container.
func apiServer() []string {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" {
		return nil
	}
	return []string{net.JoinHostPort(host, port)}
}

func resolves(name string) bool {
	limit, cancel := context.WithTimeout(context.Background(), 5*attempt)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(limit, name)
	var failed *net.DNSError
	return err == nil || errors.As(err, &failed) && failed.IsNotFound
}

// reached returns the addresses that still take connections after so long: networks take a moment to know a new pod.
// One that takes none has failed the last tries.
func reached(addresses []string, patience time.Duration) []string {
	end, still := time.Now().Add(patience), make([]bool, len(addresses))
	var all sync.WaitGroup
	for number, address := range addresses {
		all.Go(func() { still[number] = staysOpen(address, end) })
	}
	all.Wait()
	found := []string{}
	for number, address := range addresses {
		if still[number] {
			found = append(found, address)
		}
	}
	return found
}

func staysOpen(address string, end time.Time) bool {
	for failed := 0; failed < lost || time.Now().Before(end); {
		connection, err := net.DialTimeout("tcp", address, attempt)
		if err != nil {
			failed++
		} else {
			connection.Close()
			failed = 0
			if time.Now().After(end) {
				return true
			}
		}
		time.Sleep(pause)
	}
	return false
}
