"""Runs workers to their ends."""

import threading


def together(*workers):
    """Start a thread for each worker and join them all."""
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Record:
    """Shared attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)
