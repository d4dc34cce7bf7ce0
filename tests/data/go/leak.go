// SPDX-License-Identifier: Apache-2.0

// Leak starts goroutines that wait for what never comes: all at once, or one after the other.
//
//	leak at-once|over-time
package main

import (
	"os"
	"time"
)

func main() {
	never := make(chan bool)
	for i := 0; i < 1000; i++ {
		go func() { <-never }()
		if os.Args[1] == "over-time" && i%10 == 9 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	if os.Args[1] == "at-once" {
		time.Sleep(500 * time.Millisecond)
	}
}
