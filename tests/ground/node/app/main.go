// The program of most test images: a small web server, and what else a container may do wrong.
//
//	app                  serve HTTP; see serve for the environment variables
//	app pause            wait for a signal, and reap (the first container of every pod)
//	app sleep SECONDS    end after so long
//	app exit CODE        complain and end
//	app eat MEBIBYTES    take so much memory, then wait
//	app write FILE MEBIBYTES
//	app cat FILE...
//	app load URL RATE SECONDS [keep]
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const mebibyte = 1 << 20

func main() {
	command, arguments := "serve", []string{}
	if len(os.Args) > 1 {
		command, arguments = os.Args[1], os.Args[2:]
	}
	commands := map[string]func([]string) error{
		"serve": serve, "pause": pause, "sleep": sleep, "exit": exit, "eat": eat, "write": write, "cat": cat, "load": load,
	}
	run, known := commands[command]
	if !known {
		run = func([]string) error { return fmt.Errorf("no command %s", command) }
	}
	if err := run(arguments); err != nil {
		fmt.Fprintln(os.Stderr, "fatal:", err)
		os.Exit(1)
	}
}

// pause is what holds a pod's namespaces: it ends at a signal, and reaps what is left to it.
func pause([]string) error {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGINT, syscall.SIGTERM)
	children := make(chan os.Signal, 16)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-ends:
			return nil
		case <-children:
			for {
				if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}

func sleep(arguments []string) error {
	seconds, err := strconv.ParseFloat(arguments[0], 64)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	return err
}

func exit(arguments []string) error {
	code, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "panic: DATABASE_URL is not set")
	os.Exit(code)
	return nil
}

func eat(arguments []string) error {
	count, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	held := make([][]byte, 0, count)
	for range count {
		block := make([]byte, mebibyte)
		for place := range block {
			block[place] = byte(place)
		}
		held = append(held, block)
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("took", len(held), "MiB")
	return pause(nil)
}

func write(arguments []string) error {
	count, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	file, err := os.Create(arguments[0])
	if err != nil {
		return err
	}
	for range count {
		if _, err := file.Write(make([]byte, mebibyte)); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("wrote", count, "MiB")
	return pause(nil)
}

func cat(arguments []string) error {
	for _, path := range arguments {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Printf("%s", content)
	}
	return nil
}
