module stacktrace/samples

go 1.19
