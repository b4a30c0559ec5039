"""pip install tqdm==4.70.1

Two threads move one bar on.
"""

import io
import threading

from tqdm import tqdm


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def moved_on():
    bar = tqdm(total=2, file=io.StringIO(), miniters=1, mininterval=0)
    run(bar.update, bar.update)
    bar.close()
    assert bar.n == 2
