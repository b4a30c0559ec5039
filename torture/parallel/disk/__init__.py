"""What lies under the code under test: its system calls on files and sockets, and the disk that a crash leaves behind.

``layer`` stands between; ``recorder`` writes down what changes the disk; ``model`` says what may be left of it.
"""
