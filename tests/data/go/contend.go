// SPDX-License-Identifier: Apache-2.0

// contend: eight goroutines on four threads that hold a mutex for 5 µs at a time, so that one that was
// woken for it often finds it taken and parks again.  Prints the waits that the runtime's own profile has.
package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

var (
	mu sync.Mutex
	wg sync.WaitGroup
)

//go:noinline
func contend() {
	for i := 0; i < 3000; i++ {
		mu.Lock()
		for since := time.Now(); time.Since(since) < 5*time.Microsecond; {
		}
		mu.Unlock()
	}
	wg.Done()
}

func isMutexWait(r *runtime.BlockProfileRecord) bool {
	frames := runtime.CallersFrames(r.Stack())
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function, "Mutex).Lock") || strings.Contains(f.Function, "Mutex).lockSlow") {
			return true
		}
		if !more {
			return false
		}
	}
}

func main() {
	runtime.GOMAXPROCS(4)
	runtime.SetBlockProfileRate(1)
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go contend()
	}
	wg.Wait()
	records := make([]runtime.BlockProfileRecord, 1000)
	count, _ := runtime.BlockProfile(records)
	var waits int64
	for i := range records[:count] {
		if isMutexWait(&records[i]) {
			waits += records[i].Count
		}
	}
	fmt.Println("mutex", waits)
}
