"""pip install limits==5.8.0

Two hits at the same time on a limit of one, for both kinds of window.
"""

import threading

import limits


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def hits(strategy):
    limiter = strategy(limits.storage.MemoryStorage())
    once = limits.parse("1/minute")
    allowed = []

    def hit():
        allowed.append(limiter.hit(once, "user"))

    run(hit, hit)
    assert sorted(allowed) == [False, True], allowed


def fixed():
    hits(limits.strategies.FixedWindowRateLimiter)


def moving():
    hits(limits.strategies.MovingWindowRateLimiter)
