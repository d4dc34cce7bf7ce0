// SPDX-License-Identifier: Apache-2.0

// Semantics prints what Go's channels, locks, timers and contexts do; tests/data/sync/semantics.c
// prints the same of corun's.  With an argument it breaks one of the rules.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

const ms = time.Millisecond

func unbuffered() {
	c, done := make(chan int), make(chan bool)
	go func() {
		for i := 0; i < 3; i++ {
			c <- i
			fmt.Println("sent", i)
			<-done
		}
		close(c)
	}()
	for i := 0; i < 3; i++ {
		v, ok := <-c
		done <- true
		fmt.Println("received", v, ok)
		time.Sleep(2 * ms)
	}
	_, ok := <-c
	fmt.Println("closed", ok)
	_, ok = <-c
	fmt.Println("closed", ok)
}

func buffered() {
	c := make(chan int, 3)
	for i := 0; i < 3; i++ {
		c <- i * 10
		fmt.Println("len", len(c), "cap", cap(c))
	}
	select {
	case c <- 99:
		fmt.Println("room")
	default:
		fmt.Println("full")
	}
	close(c)
	for {
		v, ok := <-c
		if !ok {
			break
		}
		fmt.Println("left", v, len(c))
	}
}

func blockedSenders() {
	c, wg := make(chan int, 1), sync.WaitGroup{}
	for i := 0; i < 3; i++ {
		i := i
		wg.Add(1)
		go func() { c <- i; wg.Done() }()
		time.Sleep(2 * ms)
	}
	for i := 0; i < 3; i++ {
		fmt.Println("in order", <-c)
	}
	wg.Wait()
}

func selects() {
	a, b := make(chan int), make(chan int, 1)
	var never chan int
	select {
	case v := <-a:
		fmt.Println("a", v)
	case v := <-never:
		fmt.Println("never", v)
	default:
		fmt.Println("default")
	}
	select {
	case v := <-a:
		fmt.Println("a", v)
	case b <- 5:
		fmt.Println("sent to b")
	}
	select {
	case v := <-a:
		fmt.Println("a", v)
	case v := <-b:
		fmt.Println("b", v)
	}
	go func() { time.Sleep(2 * ms); a <- 6 }()
	select {
	case v := <-a:
		fmt.Println("a", v)
	case v := <-b:
		fmt.Println("b", v)
	}
	go func() { time.Sleep(2 * ms); close(b) }()
	select {
	case v := <-a:
		fmt.Println("a", v)
	case _, ok := <-b:
		fmt.Println("b", ok)
	}
	select {
	case <-a:
	case <-time.After(2 * ms):
		fmt.Println("time out")
	}
	both, seen := make(chan int, 1), map[int]int{}
	for i := 0; i < 1000; i++ {
		select {
		case both <- 1:
		default:
		}
		select {
		case <-both:
			seen[0]++
		case <-b:
			seen[1]++
		}
	}
	fmt.Println("fair", seen[0] > 350, seen[1] > 350)
}

func locks() {
	var m sync.Mutex
	fmt.Println("try", m.TryLock(), m.TryLock())
	m.Unlock()
	var rw sync.RWMutex
	fmt.Println("readers", rw.TryRLock(), rw.TryRLock(), rw.TryLock())
	rw.RUnlock()
	rw.RUnlock()
	fmt.Println("writer", rw.TryLock(), rw.TryRLock(), rw.TryLock())
	rw.Unlock()
	rw.RLock()
	go func() { rw.Lock(); fmt.Println("writer in"); rw.Unlock() }()
	time.Sleep(2 * ms)
	fmt.Println("reader behind a writer", rw.TryRLock())
	rw.RUnlock()
	rw.RLock()
	fmt.Println("reader in")
	rw.RUnlock()
	n, wg := 0, sync.WaitGroup{}
	for i := 0; i < 10; i++ {
		wg.Add(1)
		go func() {
			for k := 0; k < 100; k++ {
				m.Lock()
				n++
				m.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	fmt.Println("counted", n)
}

func others() {
	var once sync.Once
	n, wg := 0, sync.WaitGroup{}
	for i := 0; i < 5; i++ {
		wg.Add(1)
		go func() { once.Do(func() { n++ }); wg.Done() }()
	}
	wg.Wait()
	fmt.Println("once", n)
	var m sync.Mutex
	cond := sync.NewCond(&m)
	woken := make(chan int, 3)
	for i := 0; i < 3; i++ {
		i := i
		wg.Add(1)
		go func() { m.Lock(); cond.Wait(); woken <- i; m.Unlock(); wg.Done() }()
		time.Sleep(2 * ms)
	}
	cond.Signal()
	fmt.Println("signal", <-woken)
	time.Sleep(2 * ms)
	fmt.Println("others wait", len(woken))
	cond.Broadcast()
	wg.Wait()
	fmt.Println("broadcast", len(woken))
}

func timers() {
	t := time.NewTimer(time.Hour)
	fmt.Println("stop", t.Stop(), t.Stop())
	fmt.Println("reset", t.Reset(ms))
	<-t.C
	fmt.Println("fired", t.Stop())
	tick := time.NewTicker(2 * ms)
	for i := 0; i < 3; i++ {
		<-tick.C
		fmt.Println("tick", i)
	}
	time.Sleep(10 * ms)
	fmt.Println("waiting", len(tick.C) <= 1)
	tick.Stop()
	begin := time.Now()
	time.Sleep(-1)
	time.Sleep(3 * ms)
	fmt.Println("slept", time.Since(begin) >= 3*ms)
}

func contexts() {
	outer, cancel := context.WithCancel(context.Background())
	inner, cancelInner := context.WithTimeout(outer, time.Hour)
	defer cancelInner()
	c, done := make(chan int), make(chan string)
	for i := 0; i < 2; i++ {
		go func() {
			select {
			case <-c:
				done <- "received"
			case <-inner.Done():
				done <- "canceled"
			}
		}()
	}
	c <- 1
	fmt.Println(<-done)
	fmt.Println("before", inner.Err() == nil)
	cancel()
	fmt.Println(<-done)
	fmt.Println("after", inner.Err() == context.Canceled)
	late, cancelLate := context.WithTimeout(context.Background(), 2*ms)
	defer cancelLate()
	select {
	case <-c:
	case <-late.Done():
		fmt.Println("late", late.Err() == context.DeadlineExceeded)
	}
}

func breakRule(which string) {
	switch which {
	case "unlock":
		var m sync.Mutex
		m.Unlock()
	case "wait group":
		var wg sync.WaitGroup
		wg.Add(1)
		wg.Add(-2)
	case "deadlock":
		<-make(chan int)
	case "select nothing":
		select {}
	}
}

func main() {
	if len(os.Args) > 1 {
		breakRule(os.Args[1])
		return
	}
	unbuffered()
	buffered()
	blockedSenders()
	selects()
	locks()
	others()
	timers()
	contexts()
}
