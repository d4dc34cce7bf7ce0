// SPDX-License-Identifier: Apache-2.0

// Swarm starts many short-lived goroutines that need no more than their first stack.
//
//	swarm [-v] [GOROUTINES [AT_ONCE]]
//
// With -v it prints what it did by its own arithmetic, one "name value" a line.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
)

// hash is a little work in a small frame.
//
//go:noinline
func hash(x uint64) uint64 {
	for i := 0; i < 100; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// arg returns the nth argument, a number in [min, max].
func arg(n, otherwise, min, max int) int {
	if flag.NArg() <= n {
		return otherwise
	}
	v, err := strconv.Atoi(flag.Arg(n))
	if err != nil || v < min || v > max {
		fmt.Fprintf(os.Stderr, "swarm: '%s' is not a number from %d to %d\n", flag.Arg(n), min, max)
		os.Exit(2)
	}
	return v
}

func main() {
	verbose := flag.Bool("v", false, "print the program's own arithmetic")
	flag.Parse()
	goroutines := arg(0, 20000, 0, 10_000_000)
	room := make(chan struct{}, arg(1, 100, 1, 1_000_000))
	debug.SetGCPercent(-1)

	var sum uint64
	var wait sync.WaitGroup
	for i := 1; i <= goroutines; i++ {
		room <- struct{}{}
		wait.Add(1)
		go func(x uint64) {
			atomic.AddUint64(&sum, hash(x))
			<-room
			wait.Done()
		}(uint64(i))
	}
	wait.Wait()

	if *verbose {
		fmt.Println("goroutines", goroutines)
		fmt.Println("growths", 0)
		fmt.Printf("sum %#x\n", sum)
	}
}
