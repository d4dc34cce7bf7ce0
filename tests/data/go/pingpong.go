// SPDX-License-Identifier: Apache-2.0

// pingpong ROUNDS [LOCKERS]: two goroutines that wake each other, one that waits for ever, one that
// sleeps for 300 ms, and goroutines that contend for a mutex.  Prints what happened by its own count.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	mu            sync.Mutex
	wg            sync.WaitGroup
	a, b          = make(chan int), make(chan int)
	done, nothing = make(chan int), make(chan int)
)

//go:noinline
func stuck() {
	<-nothing
}

//go:noinline
func echo() {
	for v := range a {
		b <- v
	}
}

//go:noinline
func sleeper() {
	time.Sleep(300 * time.Millisecond)
	done <- 1
}

//go:noinline
func contend() {
	for i := 0; i < 20; i++ {
		mu.Lock()
		time.Sleep(50 * time.Microsecond)
		mu.Unlock()
	}
	wg.Done()
}

// Waits for mutexes, as the runtime's own profile has them.
func mutexWaits() (n int64) {
	records := make([]runtime.BlockProfileRecord, 1000)
	count, _ := runtime.BlockProfile(records)
	for _, r := range records[:count] {
		frames := runtime.CallersFrames(r.Stack())
		for {
			f, more := frames.Next()
			if strings.Contains(f.Function, "Mutex).Lock") || strings.Contains(f.Function, "Mutex).lockSlow") {
				n += r.Count
				break
			}
			if !more {
				break
			}
		}
	}
	return
}

func main() {
	runtime.GOMAXPROCS(1)
	runtime.SetBlockProfileRate(1)
	rounds, _ := strconv.Atoi(os.Args[1])
	lockers := 0
	if len(os.Args) > 2 {
		lockers, _ = strconv.Atoi(os.Args[2])
	}
	go echo()
	go stuck()
	runtime.Gosched() // both are parked now
	for i := 0; i < rounds; i++ {
		a <- i
		<-b
	}
	go sleeper()
	<-done
	for i := 0; i < lockers; i++ {
		wg.Add(1)
		go contend()
	}
	wg.Wait()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Println("rounds", rounds)
	fmt.Println("mutex", mutexWaits())
	fmt.Println("collections", m.NumGC)
}
