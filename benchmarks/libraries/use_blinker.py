"""pip install blinker==1.9.0

One name, asked for by two threads; a receiver that is connected while another one is called.
"""

import threading

from blinker import Namespace, Signal


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def names():
    namespace, signals = Namespace(), []
    run(*[lambda: signals.append(namespace.signal("saved"))] * 2)
    assert signals[0] is signals[1]


def receivers():
    signal = Signal()
    first, second = (lambda sender: 1), (lambda sender: 2)
    signal.connect(first)
    run(lambda: signal.connect(second), lambda: signal.send("x"))
    assert len(signal.send("x")) == 2
