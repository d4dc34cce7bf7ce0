// SPDX-License-Identifier: Apache-2.0

// Prints the stacks of calls of many shapes as the runtime itself sees them, for tests/symbols.sh to
// compare with:
//
//	main ADDRESS                            where main.main is in memory
//	pc ADDRESS FUNCTION FILE LINE           one frame, innermost first; ADDRESS is a return address
//	end                                     behind the last frame of a stack
//	c ADDRESS FUNCTION                      a C function and where it is, in programs with cgo
package main

import (
	"fmt"
	"reflect"
	"runtime"
	"sort"
	"strings"
)

//go:noinline
func stack() {
	pcs := make([]uintptr, 100)
	pcs = pcs[:runtime.Callers(1, pcs)]
	for _, pc := range pcs {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		fmt.Printf("pc %x %s %s %d\n", pc, strings.ReplaceAll(frame.Function, " ", ""),
			frame.File, frame.Line)
	}
	fmt.Println("end")
}

// Small enough to be inlined, one into the other.
func one(f func())         { f() }
func two(f func())         { one(f) }
func three(f func(), n int) { // inlined at two places of one function
	if n > 0 {
		two(f)
	}
}

//go:noinline
func chain(f func()) {
	three(f, 1)
	two(func() { three(f, 2) })
	for i := 0; i < 2; i++ {
		three(
			f,
			i,
		)
	}
}

func twice(f func()) {
	one(f)
	one(f)
}

type shape interface{ visit(f func()) }
type square struct{ side int }
type named struct{ square }

func (s square) visit(f func()) { f() }

//go:noinline
func visit(s shape, f func()) { s.visit(f) }

//go:noinline
func apply[T any](v []T, f func(T)) {
	for _, x := range v {
		f(x)
	}
}

type list[T any] struct{ v []T }

func (l *list[T]) each(f func(T)) { apply(l.v, f) }

//go:noinline
func recurse(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	recurse(n-1, f)
}

func deferred(f func()) {
	defer func() {
		recover()
		f()
	}()
	var m map[string]int
	m["x"] = 1
}

type sorter struct{ f func() }

func (s sorter) Len() int           { return 2 }
func (s sorter) Less(i, j int) bool { s.f(); return i < j }
func (s sorter) Swap(i, j int)      {}

func main() {
	fmt.Printf("main %x\n", reflect.ValueOf(main).Pointer())
	stack()
	one(stack)
	two(stack)
	chain(stack)
	twice(func() { two(stack) })
	visit(square{1}, stack)
	visit(&square{1}, stack) // through a wrapper
	visit(named{}, stack)    // through another
	visit(&named{}, func() { two(stack) })
	apply([]int{1}, func(int) { stack() })
	apply([]string{"x"}, func(string) { one(stack) })
	(&list[float64]{[]float64{1}}).each(func(float64) { stack() })
	(&list[*int]{[]*int{nil}}).each(func(*int) { two(stack) })
	recurse(20, stack)
	deferred(stack)
	sort.Sort(sorter{stack})
	method := square{2}.visit
	method(stack)
	done := make(chan bool)
	go func() {
		chain(stack)
		close(done)
	}()
	<-done
	fromC(stack)
}
