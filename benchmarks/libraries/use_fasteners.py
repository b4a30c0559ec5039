"""pip install fasteners==0.16.3 six  # fixed in 0.17

A writer that reads, and another writer.
"""

import threading

import fasteners


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def reads_while_it_writes():
    lock = fasteners.ReaderWriterLock()

    def both():
        with lock.write_lock(), lock.read_lock():
            pass

    def write():
        with lock.write_lock():
            pass

    run(both, write)
