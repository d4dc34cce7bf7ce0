// SPDX-License-Identifier: Apache-2.0

// stuck: coroutines that wait for ever, beside others that wait all the time but never for long.
//
//	stuck idle		none of the others; says "ready", until it is ended
//	stuck busy MS		so long
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

var mu sync.Mutex

//go:noinline
func receives(c chan int) { <-c }

//go:noinline
func locks(m *sync.Mutex) { m.Lock() }

func echo(in, out chan int) {
	for v := range in {
		out <- v
	}
}

func main() {
	mu.Lock()
	for i := 0; i < 3; i++ {
		go receives(make(chan int))
		go locks(&mu)
	}
	if os.Args[1] == "idle" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		time.Sleep(50 * time.Millisecond)
		fmt.Println("ready")
		l.Accept()
	}
	ms, _ := strconv.Atoi(os.Args[2])
	in, out := make(chan int), make(chan int)
	go echo(in, out)
	for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); {
		for i := 0; i < 1000; i++ {
			in <- i
			<-out
		}
	}
}
