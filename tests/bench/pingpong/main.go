// SPDX-License-Identifier: Apache-2.0

// pingpong ROUNDS: prints the nanoseconds that so many round trips between two goroutines take, two switches each.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

func main() {
	runtime.GOMAXPROCS(1)
	rounds, _ := strconv.Atoi(os.Args[1])
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v
		}
	}()
	start := time.Now()
	for i := 0; i < rounds; i++ {
		a <- i
		<-b
	}
	fmt.Println(time.Since(start).Nanoseconds())
}
