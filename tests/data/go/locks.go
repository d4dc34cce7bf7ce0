// SPDX-License-Identifier: Apache-2.0

// locks: waits for a mutex of its own, for one in a variable's array of structures, for one on the heap, and for locks of
// the runtime: goroutines on eight threads that allocate large objects, start others and wait.
// Prints "mutex NAME ADDRESS" for its mutexes, with the name that the address should be given.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

type shard struct {
	n  int
	mu sync.Mutex
}

var (
	plain  sync.Mutex
	shards [4]struct {
		pad [3]int
		in  shard
	}
	keep [8][]byte
	wg   sync.WaitGroup
)

// wait has somebody wait for the mutex: it is held until they surely do.
func wait(mu *sync.Mutex, name string) {
	fmt.Printf("mutex %s %p\n", name, mu)
	mu.Lock()
	wg.Add(1)
	go func() {
		mu.Lock()
		mu.Unlock()
		wg.Done()
	}()
	time.Sleep(50 * time.Millisecond)
	mu.Unlock()
	wg.Wait()
}

func busy(i int, end time.Time) {
	for time.Now().Before(end) {
		keep[i] = make([]byte, 256<<10)
		var one sync.WaitGroup
		one.Add(16)
		for k := 0; k < 16; k++ {
			go func() { runtime.Gosched(); one.Done() }()
		}
		one.Wait()
	}
	wg.Done()
}

func main() {
	runtime.GOMAXPROCS(8)
	wait(&plain, "main.plain")
	wait(&shards[2].in.mu, "main.shards[2].in.mu")
	wait(&new(shard).mu, "none")
	end := time.Now().Add(2 * time.Second)
	wg.Add(len(keep))
	for i := range keep {
		go busy(i, end)
	}
	wg.Wait()
}
