"""The code under test in a process of its own: loading it, starting and watching the process, its end as a finding.

Both engines stand on it. Nothing here imports the runtime: it works where greenlet is not installed.
"""
