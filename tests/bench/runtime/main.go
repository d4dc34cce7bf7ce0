// SPDX-License-Identifier: Apache-2.0

// main.go WORK: the work of corun.c, function by function, on Go.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

var done = make(chan struct{})

func waitFor(n int) {
	for ; n > 0; n-- {
		<-done
	}
}

func trials(row string, n, ops int, work func(int)) {
	for i := 0; i <= n; i++ {
		begin := time.Now()
		work(ops)
		d := time.Since(begin)
		if i > 0 {
			fmt.Printf("%s\t%.3f\n", row, float64(d.Nanoseconds())/float64(ops))
		}
	}
}

func yields(count int) {
	const all = 1 << 20
	turns := all / count
	for k := 0; k < count; k++ {
		first := k == 0
		go func() {
			for trial := 0; trial <= 9; trial++ {
				var begin time.Time
				if first {
					begin = time.Now()
				}
				for i := 0; i < turns; i++ {
					runtime.Gosched()
				}
				if first && trial > 0 {
					fmt.Printf("yield-%d\t%.3f\n", count,
						float64(time.Since(begin).Nanoseconds())/float64(turns*count))
				}
			}
			done <- struct{}{}
		}()
	}
	waitFor(count)
}

func nothing() {}

func spawnOne(ops int) {
	for ; ops > 0; ops-- {
		go nothing()
		runtime.Gosched()
	}
}

// What one of two cores works with; the works for one core use the first.
type side struct {
	there, back chan int
	ops         int
	left        int64
	_           [128]byte
}

var sides [2]side

func counted(s *side) {
	if atomic.AddInt64(&s.left, -1) == 0 {
		s.there <- 0
	}
}

// The last of a batch says that all are done.
func spawnCounted(s *side, n int) {
	s.left = int64(n)
	for i := 0; i < n; i++ {
		go counted(s)
	}
	<-s.there
}

func spawnBatch(ops int) {
	for ; ops > 0; ops -= 1000 {
		spawnCounted(&sides[0], 1000)
	}
}

func spawner(s *side) {
	for n := s.ops; n > 0; n -= 100 {
		spawnCounted(s, 100)
	}
	done <- struct{}{}
}

func echo(s *side) {
	for item := range s.there {
		s.back <- item
	}
}

func pair(s *side) {
	item := 1
	for n := s.ops; n > 0; n-- {
		s.there <- item
		item = <-s.back
	}
	done <- struct{}{}
}

func roundTrips(ops int) {
	item := 1
	for ; ops > 0; ops-- {
		sides[0].there <- item
		item = <-sides[0].back
	}
}

func consume(ops int) {
	go func(n int) {
		for ; n > 0; n-- {
			sides[0].there <- 1
		}
	}(ops)
	for ; ops > 0; ops-- {
		<-sides[0].there
	}
}

// The answer may come over either of two channels.
func selecting(ops int) {
	item := 1
	for ; ops > 0; ops-- {
		sides[0].there <- item
		select {
		case item = <-sides[0].back:
		case item = <-sides[1].back:
		}
	}
}

var mutex sync.Mutex

func locking(ops int) {
	for ; ops > 0; ops-- {
		mutex.Lock()
		mutex.Unlock()
	}
}

// An echo server, for echo_client.c.
func serve(port string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			buf := make([]byte, 512)
			for {
				n, err := c.Read(buf)
				if err != nil {
					break
				}
				c.Write(buf[:n])
			}
			c.Close()
		}()
	}
}

func both(ops int, fn func(*side)) {
	for i := range sides {
		sides[i].ops = ops / 2
		go fn(&sides[i])
	}
}

func twoPairs() {
	for i := range sides {
		go echo(&sides[i])
	}
	trials("pairs-2", 41, 20000, func(ops int) {
		both(ops, pair)
		waitFor(2)
	})
}

func twoSpawners() {
	trials("spawners-2", 41, 20000, func(ops int) {
		both(ops, spawner)
		waitFor(2)
	})
}

func residentBytes() int64 {
	var size, resident int64
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer f.Close()
	fmt.Fscan(f, &size, &resident)
	return resident * 4096
}

func parked(n int) {
	before, begin := residentBytes(), time.Now()
	for i := 0; i < n; i++ {
		go func() { <-done }()
	}
	runtime.Gosched()
	d := time.Since(begin)
	fmt.Printf("parked-%d\t%.3f\n", n, float64(residentBytes()-before)/float64(n))
	fmt.Printf("park-%d\t%.3f\n", n, float64(d.Nanoseconds())/float64(n))
}

//go:noinline
func deep(n int) byte {
	var room [96]byte
	room[n&63] = byte(n)
	if n > 0 {
		return deep(n-1) + room[n&31]
	}
	return room[0]
}

func grow(name string, bytes, n int) {
	for i := 0; i <= n; i++ {
		var first, again int64
		go func() {
			begin := time.Now()
			deep(bytes / 128)
			middle := time.Now()
			deep(bytes / 128)
			first, again = middle.Sub(begin).Nanoseconds(), time.Since(middle).Nanoseconds()
			done <- struct{}{}
		}()
		<-done
		if i > 0 {
			fmt.Printf("grow-%s\t%d\ngrown-%s\t%d\n", name, first, name, again)
		}
	}
}

func main() {
	work := ""
	if len(os.Args) > 1 {
		work = os.Args[1]
	}
	for i := range sides {
		sides[i].there, sides[i].back = make(chan int), make(chan int)
	}
	switch work {
	case "yield-2":
		yields(2)
	case "yield-1000":
		yields(1000)
	case "spawn-one":
		trials(work, 15, 1<<16, spawnOne)
	case "spawn-batch":
		trials(work, 15, 64000, spawnBatch)
	case "chan-pair":
		go echo(&sides[0])
		trials(work, 15, 1<<16, roundTrips)
	case "chan-buffered":
		sides[0].there = make(chan int, 100)
		trials(work, 15, 1<<18, consume)
	case "select-2":
		go echo(&sides[0])
		trials(work, 15, 1<<16, selecting)
	case "mutex":
		trials(work, 15, 1<<20, locking)
	case "serve":
		serve(os.Args[2])
	case "pairs-2":
		twoPairs()
	case "spawners-2":
		twoSpawners()
	case "parked-100k":
		parked(100000)
	case "parked-1m":
		parked(1000000)
	case "growth":
		debug.SetGCPercent(-1)
		grow("step", 1536, 500)
		grow("4k", 4<<10, 500)
		grow("64k", 64<<10, 200)
		grow("1m", 1<<20, 40)
	default:
		fmt.Fprintln(os.Stderr, "no such work")
		os.Exit(2)
	}
}
