"""pip install multimethod==2.1

The first two calls of a function whose annotation names a class that is defined later.
"""

import threading

from multimethod import multimethod


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@multimethod
def sides(shape: "Square"):
    return 4


class Square: ...


def first_calls():
    counted = []
    run(*[lambda: counted.append(sides(Square()))] * 2)
    assert counted == [4, 4]
