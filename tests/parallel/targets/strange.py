"""Programs that end, fork or leave things in ways that a harness does not expect."""

import _thread
import atexit
import os
import signal
import threading
import time


class Broken:
    def __del__(self):
        raise ValueError("broken")  # here


def leaves_much():
    if not os.fork():
        time.sleep(3)
        os._exit(0)
    threading.Timer(60, print).start()
    Broken()


def returns_in_the_child_too():
    child = os.fork()
    if not child:
        raise ValueError("of the child alone")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def leaves_at_exit():
    atexit.register(os._exit, 7)


def ends_its_group():
    os.kill(0, signal.SIGTERM)


def interrupts_itself():
    try:
        _thread.interrupt_main()
        time.sleep(1)
    except KeyboardInterrupt:
        return
    raise AssertionError("not interrupted")
