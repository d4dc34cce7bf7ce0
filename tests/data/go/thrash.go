// SPDX-License-Identifier: Apache-2.0

// Thrash has a stack grow, be made smaller by a collection, and grow again.
//
//	thrash [TIMES]
package main

import (
	"os"
	"runtime"
	"strconv"
)

//go:noinline
func deep(n int) int {
	var room [64]int
	if n == 0 {
		return room[n]
	}
	return deep(n-1) + room[n%64]
}

func main() {
	times := 40
	if len(os.Args) > 1 {
		times, _ = strconv.Atoi(os.Args[1])
	}
	done := make(chan bool)
	go func() {
		for i := 0; i < times; i++ {
			deep(100)
			runtime.GC()
		}
		done <- true
	}()
	<-done
	// Who waits for a collection goes on before its line of gctrace is written, and whoever stops the world only behind that.
	runtime.ReadMemStats(new(runtime.MemStats))
}
