// SPDX-License-Identifier: Apache-2.0

// Recurse starts goroutines that recurse deep and end: each grows its stack from 2 KiB, doubling, to
// the size asked for.
//
//	recurse [-v] [WORKERS [STACK_KIB]]
//
// With -v it prints what it did by its own arithmetic, one "name value" a line.  The collector is
// off: it would shrink stacks, and choose larger first ones.
package main

import (
	"flag"
	"fmt"
	"math/bits"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"unsafe"
)

const (
	minStack = 2048 // the runtime's first size
	atOnce   = 64   // workers alive at a time
)

// descend uses depth+1 frames.  The last two leave their distance, a frame's size, in *frame.
//
//go:noinline
func descend(depth int, frame *uintptr) byte {
	var local [200]byte
	local[depth%len(local)] = byte(depth)
	if frame != nil && depth <= 1 {
		*frame = uintptr(unsafe.Pointer(&local)) - *frame
	}
	if depth == 0 {
		return local[0]
	}
	return descend(depth-1, frame) + local[depth%len(local)]
}

// frameSize measures a frame in a goroutine of its own; two frames fit into the first stack.
func frameSize() int {
	result := make(chan int)
	go func() {
		var frame uintptr
		descend(1, &frame)
		result <- int(-frame)
	}()
	return <-result
}

// arg returns the nth argument, a number in [min, max].
func arg(n, otherwise, min, max int) int {
	if flag.NArg() <= n {
		return otherwise
	}
	v, err := strconv.Atoi(flag.Arg(n))
	if err != nil || v < min || v > max {
		fmt.Fprintf(os.Stderr, "recurse: '%s' is not a number from %d to %d\n", flag.Arg(n), min, max)
		os.Exit(2)
	}
	return v
}

func main() {
	verbose := flag.Bool("v", false, "print the program's own arithmetic")
	flag.Parse()
	workers := arg(0, 2000, 0, 10_000_000)
	stack := arg(1, 64, 4, 1<<19) << 10
	if bits.OnesCount(uint(stack)) != 1 {
		fmt.Fprintf(os.Stderr, "recurse: %d KiB is not a power of two\n", stack>>10)
		os.Exit(2)
	}
	debug.SetGCPercent(-1)

	// Five eighths of the stack asked for: clearly too much for half of it, and clear of the guard.
	frame := frameSize()
	depth := stack / 8 * 5 / frame
	room := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i := 0; i < workers; i++ {
		room <- struct{}{}
		wait.Add(1)
		go func() {
			descend(depth-1, nil)
			<-room
			wait.Done()
		}()
	}
	wait.Wait()

	if *verbose {
		growths := bits.Len(uint(stack/minStack)) - 1
		fmt.Println("goroutines", workers+1) // and the one that measured
		fmt.Println("growths", workers*growths)
		fmt.Println("growths_per_worker", growths)
		fmt.Println("final_stack", stack)
		fmt.Println("frame", frame)
		fmt.Println("depth", depth)
	}
}
