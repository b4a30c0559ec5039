"""pip install sqlalchemy==2.1.9

The first connections of a pool, made by three threads.
"""

import threading

from sqlalchemy.pool import QueuePool


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Connection:
    def rollback(self): ...

    def close(self): ...


def first_connections():
    pool = QueuePool(Connection, pool_size=1, max_overflow=1, timeout=5)

    def work():
        pool.connect().close()

    run(work, work, work)
    assert pool.checkedout() == 0, pool.status()
