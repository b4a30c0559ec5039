"""Engine 2: the target again and again on real threads, disturbed, timed, watched from outside.

It shows what virtual threads cannot: real parallelism, C code, free-threaded builds, latency. It proves nothing.
Imports without greenlet.
"""
