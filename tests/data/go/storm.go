// SPDX-License-Identifier: Apache-2.0

// storm SECONDS: everything at once that makes a runtime interrupt, move and unwind its stacks: collections that shrink
// them, profiling signals, preemption of loops, panics that are recovered, tracebacks, mutexes, channels, births and ends.
// Each goroutine checks what it kept on its stack.  It prints "ok" and how much was done, or dies.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var (
	end           time.Time
	growths       int64
	panics, loops int64
	wrong         int64
	mutex         sync.Mutex
	shared        int64
)

//go:noinline
func deep(n int, seed byte) byte {
	var room [200]byte
	for i := range room {
		room[i] = seed
	}
	inside := &room[n%len(room)] // moves with the stack
	if n == 0 {
		return *inside
	}
	got := deep(n-1, seed+1)
	if *inside != seed || got != seed+byte(n) {
		atomic.AddInt64(&wrong, 1)
	}
	return got
}

//go:noinline
func fails(n int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(error)
		}
	}()
	if n > 0 {
		return fails(n - 1)
	}
	var none []int
	return fmt.Errorf("%d", none[n])
}

// A loop without a call is only left by a signal.
//
//go:noinline
func loop(n int) (x uint32) {
	x = uint32(n) | 1
	for i := 0; i < n; i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
	}
	return x
}

func worker(id int, out chan<- byte, wg *sync.WaitGroup) {
	defer wg.Done()
	deep(10+id%200, byte(id))
	atomic.AddInt64(&growths, 1)
	if fails(id%20) == nil {
		atomic.AddInt64(&wrong, 1)
	}
	atomic.AddInt64(&panics, 1)
	loop(200000)
	atomic.AddInt64(&loops, 1)
	mutex.Lock()
	shared++
	mutex.Unlock()
	trace := make([]byte, 256)
	runtime.Stack(trace, id%16 == 0)
	out <- byte(id)
}

func main() {
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	end = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	debug.SetGCPercent(20)
	pprof.StartCPUProfile(io.Discard)
	go func() {
		for {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}()
	out := make(chan byte, 4)
	var done int64
	fmt.Println("ready", os.Getpid())
	for time.Now().Before(end) {
		var wg sync.WaitGroup
		for id := 0; id < 40; id++ {
			wg.Add(1)
			go worker(id, out, &wg)
		}
		sum := 0
		for id := 0; id < 40; id++ {
			sum += int(<-out)
		}
		wg.Wait()
		if sum != 40*39/2 {
			atomic.AddInt64(&wrong, 1)
		}
		done += 40
		foreign()
	}
	pprof.StopCPUProfile()
	if wrong != 0 || shared != done || panics != done {
		fmt.Println("wrong", wrong, shared, panics, done)
		os.Exit(1)
	}
	fmt.Println("ok", done)
}
