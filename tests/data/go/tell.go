// SPDX-License-Identifier: Apache-2.0

// Tell collects garbage, writes to its standard error, and says what the runtime's lines must add up to.
//
//	tell [COLLECTIONS [GOROUTINES]]
//
// Before each collection it writes a line of its own to standard error, in two pieces.  It prints, one "name value" a
// line: the collections and their pauses as runtime.ReadMemStats has them, the goroutines, and whether standard error
// is a terminal.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

var sink [][]byte

func arg(n, otherwise int) int {
	if len(os.Args) <= n {
		return otherwise
	}
	v, err := strconv.Atoi(os.Args[n])
	if err != nil || v < 0 {
		fmt.Fprintf(os.Stderr, "tell: '%s' is not a number\n", os.Args[n])
		os.Exit(2)
	}
	return v
}

func main() {
	collections, goroutines := arg(1, 20), arg(2, 10)
	done := make(chan bool)
	for i := 0; i < goroutines; i++ {
		go func() { <-done }()
	}
	for i := 0; i < collections; i++ {
		os.Stderr.WriteString("tell: line ")
		for k := 0; k < 100; k++ {
			sink = append(sink, make([]byte, 10000))
		}
		if i%5 == 4 {
			sink = nil
		}
		os.Stderr.WriteString(strconv.Itoa(i) + " \xff\n")
		runtime.GC()
		time.Sleep(2 * time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	st, _ := os.Stderr.Stat()
	fmt.Println("collections", m.NumGC)
	fmt.Println("forced", m.NumForcedGC)
	fmt.Println("pause_ns", m.PauseTotalNs)
	fmt.Println("goroutines", runtime.NumGoroutine())
	fmt.Println("terminal", st.Mode()&os.ModeCharDevice != 0)
	close(done)
}
