// SPDX-License-Identifier: Apache-2.0

// callers makes random chains of calls and, at the end of each, prints what the runtime itself says the chain is,
// just before a call that must grow the stack.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"strings"
)

type link func(n *node, left int, pick *rand.Rand)

type node struct{ pad [3]int }

var links []link

//go:noinline
func next(n *node, left int, pick *rand.Rand) {
	if left <= 0 {
		leaf()
		return
	}
	links[pick.Intn(len(links))](n, left-1, pick)
}

//go:noinline
func small(n *node, left int, pick *rand.Rand) { next(n, left-1, pick) }

//go:noinline
func medium(n *node, left int, pick *rand.Rand) {
	var room [40]int
	room[left&31] = left
	next(n, left-1+room[(left+1)&31], pick)
}

//go:noinline
func loop(n *node, left int, pick *rand.Rand) {
	for i := 0; i < 1; i++ {
		next(n, left-1, pick)
	}
}

//go:noinline
func (n *node) pointer(left int, pick *rand.Rand) { next(n, left-1+n.pad[1], pick) }

//go:noinline
func deferred(n *node, left int, pick *rand.Rand) {
	defer func() { recover() }()
	next(n, left-1, pick)
}

//go:noinline
func grow() byte {
	var room [96 << 10]byte
	for i := range room {
		room[i] = byte(i)
	}
	return room[len(os.Args)]
}

//go:noinline
func leaf() {
	var pcs [512]uintptr
	n := runtime.Callers(1, pcs[:])
	frames := runtime.CallersFrames(pcs[:n])
	var names strings.Builder
	for {
		f, more := frames.Next()
		names.WriteString(" " + f.Function)
		if !more {
			break
		}
	}
	fmt.Println(strings.TrimSuffix(names.String(), " runtime.goexit"))
	grow()
}

func main() {
	low, _ := strconv.Atoi(os.Args[1])
	high, _ := strconv.Atoi(os.Args[2])
	count, _ := strconv.Atoi(os.Args[3])
	seed, _ := strconv.ParseInt(os.Args[4], 10, 64)
	pick := rand.New(rand.NewSource(seed))
	n := &node{}
	links = []link{small, medium, loop, (*node).pointer, deferred, func(n *node, left int, p *rand.Rand) { next(n, left-1, p) }}
	done := make(chan bool)
	for i := 0; i < count; i++ {
		depth := low + pick.Intn(high-low+1)
		go func() {
			defer close(done)
			next(n, depth, pick)
		}()
		<-done
		done = make(chan bool)
	}
}
