// SPDX-License-Identifier: Apache-2.0

// Without C.
package main

func foreign() {}
