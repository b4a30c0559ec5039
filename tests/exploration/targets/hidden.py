"""A lock that the interpreter made before anything could be patched, where nobody looks for locks."""

import _thread
import gc
import threading


def _real_lock() -> threading.Lock:
    if hasattr(_thread, "_set_sentinel"):  # until 3.12
        lock: threading.Lock = _thread._set_sentinel()
        return lock
    kind = next(type(found) for found in gc.get_objects() if str(type(found)) == "<class '_thread.lock'>")
    return kind()


HIDDEN = [_real_lock()]


def uses_it() -> None:
    shared = [0]

    def work() -> None:
        with HIDDEN[0]:
            shared[0] += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
