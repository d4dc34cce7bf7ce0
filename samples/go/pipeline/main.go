// SPDX-License-Identifier: Apache-2.0

// Pipeline passes items through stages, each a goroutine between two channels.  A stage works on
// an item in a recursion that needs the stack size asked for: it grows on its first item, and keeps
// what it has grown to.
//
//	pipeline [-v] [STAGES [ITEMS [STACK_KIB]]]
//
// With -v it prints what it did by its own arithmetic, one "name value" a line.
package main

import (
	"flag"
	"fmt"
	"math/bits"
	"os"
	"runtime/debug"
	"strconv"
)

const (
	minStack = 2048 // the runtime's first size
	frame    = 256  // at least what a frame of work takes, at most 64 bytes less
)

// work adds one to the item, depth+1 frames deep.
//
//go:noinline
func work(item uint64, depth int) uint64 {
	var local [200]byte
	local[depth%len(local)] = 1
	if depth == 0 {
		return item + uint64(local[0])
	}
	return work(item, depth-1) + uint64(local[depth%len(local)]-1)
}

func stage(in <-chan uint64, out chan<- uint64, depth int) {
	for item := range in {
		out <- work(item, depth)
	}
	close(out)
}

// arg returns the nth argument, a number in [min, max].
func arg(n, otherwise, min, max int) int {
	if flag.NArg() <= n {
		return otherwise
	}
	v, err := strconv.Atoi(flag.Arg(n))
	if err != nil || v < min || v > max {
		fmt.Fprintf(os.Stderr, "pipeline: '%s' is not a number from %d to %d\n", flag.Arg(n), min, max)
		os.Exit(2)
	}
	return v
}

func main() {
	verbose := flag.Bool("v", false, "print the program's own arithmetic")
	flag.Parse()
	stages := arg(0, 8, 1, 1_000_000)
	items := arg(1, 20000, 1, 1_000_000_000)
	stack := arg(2, 8, 4, 1<<19) << 10
	if bits.OnesCount(uint(stack)) != 1 {
		fmt.Fprintf(os.Stderr, "pipeline: %d KiB is not a power of two\n", stack>>10)
		os.Exit(2)
	}
	debug.SetGCPercent(-1)

	first := make(chan uint64)
	var last <-chan uint64 = first
	for i := 0; i < stages; i++ {
		next := make(chan uint64)
		go stage(last, next, stack/8*5/frame)
		last = next
	}
	go func() {
		for i := 0; i < items; i++ {
			first <- uint64(i)
		}
		close(first)
	}()
	var sum uint64
	for item := range last {
		sum += item
	}

	wanted := uint64(items)*uint64(items-1)/2 + uint64(items)*uint64(stages)
	if sum != wanted {
		fmt.Fprintf(os.Stderr, "pipeline: the items add up to %d, not %d\n", sum, wanted)
		os.Exit(1)
	}
	if *verbose {
		growths := bits.Len(uint(stack/minStack)) - 1
		fmt.Println("goroutines", stages+1) // and the source
		fmt.Println("growths", stages*growths)
		fmt.Println("growths_per_stage", growths)
		fmt.Println("final_stack", stack)
		fmt.Println("sends", items*(stages+1))
	}
}
