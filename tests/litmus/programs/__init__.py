"""The programs, one module per theme; plain threaded code, instrumented by what tests it."""
