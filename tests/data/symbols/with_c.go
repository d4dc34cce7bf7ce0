// SPDX-License-Identifier: Apache-2.0

package main

/*
static inline int add(int a, int b) { return a + b; }
int c_sum(int n);
__attribute__((noinline)) int c_sum(int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum = add(sum, i * i);
	return sum;
}
static void *c_sum_address(void) { return (void *)c_sum; }
*/
import "C"

import "fmt"

func fromC(f func()) {
	fmt.Printf("c %x c_sum\n", uintptr(C.c_sum_address()))
	if C.c_sum(3) == 5 {
		f()
	}
}
