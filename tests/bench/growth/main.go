// SPDX-License-Identifier: Apache-2.0

// growth measures what one stack growth takes: it starts goroutines first, lets all of them grow, and only then lets them
// end, so that births and deaths stay outside the measured time.  It does so again and again, on memory that was touched
// before, and prints the least time in nanoseconds.
//
//	growth [GOROUTINES [FRAMES [TIMES]]]
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

//go:noinline
func deep(n int) byte {
	var room [96]byte
	room[n&63] = byte(n)
	if n > 0 {
		return deep(n-1) + room[n&31]
	}
	return room[0]
}

// once returns what growing takes all goroutines together.
func once(count, frames int) time.Duration {
	start, end := make(chan bool), make(chan bool)
	var grown, gone sync.WaitGroup
	grown.Add(count)
	gone.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			<-start
			deep(frames)
			grown.Done()
			<-end
			gone.Done()
		}()
	}
	for i := 0; i < 3; i++ {
		runtime.Gosched() // all wait on start
	}
	t := time.Now()
	close(start)
	grown.Wait()
	d := time.Since(t)
	close(end)
	gone.Wait()
	return d
}

func main() {
	numbers := []int{2000, 50, 30}
	for i, arg := range os.Args[1:] {
		numbers[i], _ = strconv.Atoi(arg)
	}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	least := time.Duration(1 << 62)
	for i := 0; i < numbers[2]; i++ {
		if d := once(numbers[0], numbers[1]); d < least {
			least = d
		}
	}
	fmt.Println(least.Nanoseconds())
}
