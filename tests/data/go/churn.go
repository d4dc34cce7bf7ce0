// SPDX-License-Identifier: Apache-2.0

// churn starts goroutines that grow their stacks to several sizes, on several threads, while the collector shrinks those
// that wait.  With "loud" it says when it is half way and waits for a line on standard input.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

//go:noinline
func deep(n int) int {
	var room [64]byte
	room[n&63] = byte(n)
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n&63]) - n&255
}

func worker(id int, begin, hold *sync.WaitGroup, wg *sync.WaitGroup) {
	deep(10 << (id % 5)) // 10 to 160 frames
	begin.Done()
	hold.Wait() // and is shrunk meanwhile
	deep(20)
	wg.Done()
}

func round(n int) {
	var begin, hold, wg sync.WaitGroup
	begin.Add(n)
	hold.Add(1)
	wg.Add(n)
	for i := 0; i < n; i++ {
		go worker(i, &begin, &hold, &wg)
	}
	begin.Wait()
	for i := 0; i < 4; i++ {
		runtime.GC()
	}
	hold.Done()
	wg.Wait()
}

// Waits until of those that were started all have ended, and not only said that they will.
func settle(alive int) {
	for runtime.NumGoroutine() > alive {
		runtime.Gosched()
	}
}

func main() {
	alive := runtime.NumGoroutine()
	n, _ := strconv.Atoi(os.Args[1])
	runtime.GOMAXPROCS(4)
	round(n)
	if len(os.Args) > 2 {
		fmt.Println("half way")
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	round(n)
	settle(alive)
	fmt.Println("done", 2*n)
}
