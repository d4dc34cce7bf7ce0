## demo: runs the program on a sample in C and, if there is a Go, on one in Go
demo: all samples
	@O='$(O)' sh samples/demo.sh
.PHONY: demo
