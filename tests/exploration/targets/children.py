"""Child processes: they need real time."""

import subprocess
import sys
import threading
import time

_SLOW = [sys.executable, "-S", "-c", "import time; time.sleep(0.1)"]


def _in_a_thread(body):
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()


def communicating_with_a_timeout():
    _in_a_thread(lambda: subprocess.run(_SLOW, capture_output=True, check=True, timeout=20))


def polling():
    child = subprocess.Popen(_SLOW)

    def watch():
        while child.poll() is None:
            time.sleep(0.01)

    _in_a_thread(watch)
