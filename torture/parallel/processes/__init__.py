"""Engine ``processes``: the roles of a program in real processes, started together, disturbed by faults, judged together.

A worker process imports the target once and forks everybody else: who prepares, who plays a role, who concludes. It stays without
threads, so that a fork copies nothing half done.
"""
