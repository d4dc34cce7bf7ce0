// SPDX-License-Identifier: Apache-2.0

// With C: calls there and back again, on the threads' own stacks.
package main

// #include <stdlib.h>
// static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
// static int sorted(int n) {
//	int v[64], i;
//	for (i = 0; i < 64; i++) v[i] = (i * 37 + n) % 64;
//	qsort(v, 64, sizeof(v[0]), order);
//	return v[0] == 0 && v[63] == 63;
// }
import "C"

import "sync/atomic"

func foreign() {
	done := make(chan bool)
	for i := 0; i < 8; i++ {
		go func(i int) {
			if C.sorted(C.int(i)) != 1 {
				atomic.AddInt64(&wrong, 1)
			}
			done <- true
		}(i)
	}
	for i := 0; i < 8; i++ {
		<-done
	}
}
