"""pip install tenacity==9.2.1

One decorated function in two threads; each fails once, and is retried.
"""

import threading

import tenacity


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def retried():
    tries = []

    @tenacity.retry(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_none())
    def work(number):
        tries.append(number)
        if tries.count(number) < 2:
            raise ValueError
        return number

    done = []
    run(lambda: done.append(work(1)), lambda: done.append(work(2)))
    assert sorted(done) == [1, 2]
