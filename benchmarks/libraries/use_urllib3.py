"""pip install urllib3==1.26.15  # fixed in 2.0

Two hosts, and a manager that keeps the pool of one.
"""

import threading

from urllib3 import PoolManager


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def evicted():
    manager = PoolManager(num_pools=1)

    def request(host):
        pool = manager.connection_from_host(host, 80)
        pool._put_conn(pool._get_conn())  # what a request does before and after it talks to the host

    run(lambda: request("a"), lambda: request("b"))
