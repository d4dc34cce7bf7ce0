// SPDX-License-Identifier: Apache-2.0

// parked N [ALL]: N goroutines that sleep until input ends; with ALL, so many are born and end, N at a time.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
)

func batch(n int, wait func()) {
	var group sync.WaitGroup
	stop := make(chan bool)
	for i := 0; i < n; i++ {
		group.Add(1)
		go func() {
			<-stop
			group.Done()
		}()
	}
	wait()
	close(stop)
	group.Wait()
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	if len(os.Args) == 2 {
		batch(n, func() {
			fmt.Println("ready")
			io.Copy(io.Discard, os.Stdin)
		})
		return
	}
	for all, _ := strconv.Atoi(os.Args[2]); all > 0; all -= n {
		batch(n, func() {})
	}
}
