"""Attributes of each thread, which an ``__init__`` makes by way of the dictionary."""

import threading


class Settings(threading.local):
    def __init__(self, **names):
        self.__dict__.update(names)


SETTINGS = Settings(evaluate=True)


def local():
    def look():
        assert SETTINGS.evaluate

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
