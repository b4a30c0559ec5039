"""Imported by a target while it runs."""

count = 0


def step():
    global count
    count += 1
