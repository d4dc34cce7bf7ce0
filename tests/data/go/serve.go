// SPDX-License-Identifier: Apache-2.0

// serve does what the lines of its standard input say, and answers each with a line.  The work of a goroutine grows its
// stack in exactly two steps, from 2 to 8 KiB.
//
//	work N      N goroutines, one after another; "worked N"
//	spawn ARG...  a child process with these arguments; "spawned STATUS"
//	exec ARG...   executes that instead
//	hold N      N goroutines that wait for ever, each with a stack of 8 KiB; "held N"
//	busy        collections and profiling signals until the end; "busy"
//	end         "ended", and the end
//
// With arguments, it does what these say and ends.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// deep takes between 3 and 6 KiB of stack.
//
//go:noinline
func deep(n int) int {
	var room [160]byte
	room[n&127] = byte(n)
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n&127]) - n&255
}

func worker(wg *sync.WaitGroup) {
	deep(20)
	wg.Done()
}

func work(n int) {
	for i := 0; i < n; i++ {
		var wg sync.WaitGroup
		wg.Add(1)
		go worker(&wg)
		wg.Wait()
	}
}

func holder(wg *sync.WaitGroup) {
	deep(20)
	wg.Done()
	select {}
}

func hold(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go holder(&wg)
	}
	wg.Wait()
}

func busy() {
	debug.SetGCPercent(20)
	pprof.StartCPUProfile(io.Discard)
	go func() {
		for {
			runtime.GC()
		}
	}()
}

func do(words []string) {
	n := 0
	if len(words) > 1 {
		n, _ = strconv.Atoi(words[1])
	}
	switch words[0] {
	case "work":
		work(n)
		fmt.Println("worked", n)
	case "spawn":
		c := exec.Command(words[1], words[2:]...)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		c.Run()
		fmt.Println("spawned", c.ProcessState.ExitCode())
	case "exec":
		fmt.Println("exec failed", syscall.Exec(words[1], words[1:], os.Environ()))
	case "hold":
		hold(n)
		fmt.Println("held", n)
	case "busy":
		busy()
		fmt.Println("busy")
	case "end":
		fmt.Println("ended")
		os.Exit(0)
	}
}

func main() {
	if len(os.Args) > 1 {
		do(os.Args[1:])
		return
	}
	fmt.Println("ready", os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		do(strings.Fields(in.Text()))
	}
}
