"""The corpus of hangs, crashes and leaks: each function is a target with one fault, marked where it stands.

``# here`` is the line that a report has to name.
"""

import asyncio
import atexit
import ctypes
import gc
import importlib
import os
import queue
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

first, second = threading.Lock(), threading.Lock()
kept = []


def started(*functions, daemon=False):
    threads = [
        threading.Thread(target=function, name=function.__name__, daemon=daemon) for function in functions
    ]
    for thread in threads:
        thread.start()
    return threads


def together(*functions):
    for thread in started(*functions):
        thread.join()


def locks_crosswise():
    def forth():
        with first:
            time.sleep(0.05)
            with second:  # here
                pass

    def back():
        with second:
            time.sleep(0.05)
            with first:
                pass

    together(forth, back)


def lock_taken_twice():
    lock = threading.Lock()
    with lock:
        lock.acquire()  # here


def joins_itself():
    def worker():
        threading.current_thread().join()  # here

    together(worker)


def join_of_each_other():
    main = threading.current_thread()

    def worker():
        main.join()  # here

    together(worker)


def lost_notify():
    condition = threading.Condition()
    with condition:
        condition.notify_all()

    def waiter():
        with condition:
            condition.wait()  # here

    together(waiter)


def barrier_for_too_many():
    barrier = threading.Barrier(3)

    def early():
        barrier.wait()  # here

    def late():
        barrier.wait()

    together(early, late)


def nobody_puts():
    def consumer():
        queue.Queue().get()  # here

    together(consumer)


def pool_waits_for_itself():
    with ThreadPoolExecutor(1) as pool:

        def outer():
            return pool.submit(time.time).result()  # here

        pool.submit(outer).result()


def import_lock():
    importlib.import_module("tests.parallel.targets.imports_itself")


def c_call_keeps_the_gil():
    ctypes.PyDLL(None).sleep(60)  # here


def c_code_runs_for_ages():
    re.match("(a+)+$", "a" * 40 + "b")  # here


def endless_loop():
    def spinner():
        count = 0
        while True:
            count += 1  # here

    together(spinner)


def endless_recursion():
    def deeper(depth):
        return deeper(depth + 1)  # here

    together(lambda: deeper(0))


def polls_for_ever():
    done = threading.Event()
    while not done.is_set():  # whoever looks meets it here in one of a thousand cases
        time.sleep(0.2)  # here


def nobody_writes():
    os.read(os.pipe()[0], 1)  # here


def asks_the_terminal():
    input("Continue? ")  # here


def awaits_nobody():
    async def main():
        await asyncio.get_running_loop().create_future()

    asyncio.run(main())  # here


def stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)  # here


def leaves():
    os._exit(3)  # here


def system_exit():
    sys.exit("no more")  # here


def segmentation_fault():
    def reader():
        ctypes.string_at(0)  # here

    together(reader)


def abort():
    os.abort()  # here


def kills_itself():
    os.kill(os.getpid(), signal.SIGKILL)  # here


def eats_memory():
    def eater():
        eaten = []
        while True:
            eaten.append(b"x" * (1 << 20))  # here

    together(eater)


def keeps_memory():
    kept.append(b"x" * (16 << 20))  # here; of 32 MiB, free-threaded interpreters keep eleven that are freed


def keeps_memory_where_nobody_puts_it_back():
    atexit.register(len, b"x" * (32 << 20))  # here


def keeps_files():
    kept.append(os.open(__file__, os.O_RDONLY))  # here


def keeps_threads():
    def idler():
        threading.Event().wait()  # here

    started(idler)


def blocked_daemon():
    def daemon():
        queue.SimpleQueue().get()  # here

    started(daemon, daemon=True)


def hangs_at_exit():
    def goodbye():
        time.sleep(60)  # here

    if not kept:
        atexit.register(goodbye)
        kept.append(gc)
