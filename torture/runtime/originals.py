"""The untouched functions of the interpreter, taken before anything is patched."""

from __future__ import annotations

import _thread
import threading
import time

allocate_lock = _thread.allocate_lock
make_rlock = _thread.RLock
get_ident = _thread.get_ident
start_new_thread = _thread.start_new_thread
sleep = time.sleep
perf_counter = time.perf_counter
monotonic = time.monotonic
main_thread = threading.main_thread()
local = threading.local
