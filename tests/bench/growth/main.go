// SPDX-License-Identifier: Apache-2.0

// growth measures what one stack growth takes: it starts goroutines first, lets all of them grow, and only then lets them
// end, so that births and deaths stay outside the measured time.  Prints nanoseconds and growths.
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

func main() {
	count, frames := 20000, 50
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[1])
		frames, _ = strconv.Atoi(os.Args[2])
	}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
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
	fmt.Println(d.Nanoseconds())
}
