// SPDX-License-Identifier: Apache-2.0

// The same as trees.h and corun.c in Go.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

const (
	depth       = 16
	largeDepth  = 21
	collections = 5
	parkedCount = 1000000
)

type node struct{ left, right *node }

func bottomUp(depth int) *node {
	n := &node{}
	if depth > 0 {
		n.left = bottomUp(depth - 1)
		n.right = bottomUp(depth - 1)
	}
	return n
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func trial(row string, value float64) { fmt.Printf("%s\t%.3f\n", row, value) }

func ms(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1e6 }

var kept *node

func trees() {
	begin := time.Now()
	sum := 0
	kept = bottomUp(depth)
	for d := 4; d <= depth; d += 4 {
		for i := 0; i < 1<<(depth-d+4); i++ {
			sum += bottomUp(d).count()
		}
	}
	if kept.count() != 2<<depth-1 || sum != 8318704 {
		panic("wrong count")
	}
	trial("gc-trees", ms(begin))
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	trial("gc-trees-pauses", float64(s.PauseTotalNs)/1e6)
	trial("gc-trees-pause", float64(s.PauseTotalNs)/1e6/float64(s.NumGC))
	trial("gc-trees-count", float64(s.NumGC))
}

func collect(row string) {
	for i := 0; i < collections; i++ {
		begin := time.Now()
		runtime.GC()
		trial(row, ms(begin))
	}
}

func large() {
	begin := time.Now()
	kept = bottomUp(largeDepth)
	trial("gc-build", ms(begin))
	collect("gc-large")
	if kept.count() != 2<<largeDepth-1 {
		panic("wrong count")
	}
}

func waiter(never chan struct{}) {
	mine := &node{}
	<-never
	if mine.left != nil {
		panic("not zero")
	}
}

func parked() {
	never := make(chan struct{})
	for i := 0; i < parkedCount; i++ {
		go waiter(never)
	}
	runtime.Gosched()
	for runtime.NumGoroutine() < parkedCount {
		runtime.Gosched()
	}
	collect("gc-parked")
}

func main() {
	switch os.Args[1] {
	case "trees":
		trees()
	case "large":
		large()
	default:
		parked()
	}
}
