"""A module that waits, while it is imported, for a thread that imports it."""

import importlib
import threading

_thread = threading.Thread(target=importlib.import_module, args=(__name__,), name="importer")
_thread.start()
_thread.join()  # here
