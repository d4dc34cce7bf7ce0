// SPDX-License-Identifier: Apache-2.0

package main

func fromC(f func()) { f() }
