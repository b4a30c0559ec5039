"""Programs that see when objects die."""

import threading
import weakref


class Thing:
    pass


def _together(*workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def looked_up_too_late():
    """Fails where the object goes before it is looked up: nothing that both threads touch says so."""
    things, seen = [Thing()], []
    reference = weakref.ref(things[0])

    def look():
        seen.append(reference() is not None)

    _together(look, things.clear)
    assert seen == [True]


def looked_up_in_time():
    things, seen = [Thing()], []
    reference, lock = weakref.ref(things[0]), threading.Lock()

    def look():
        with lock:
            thing = reference()
            seen.append(thing)

    def drop():
        with lock:
            things.clear()

    _together(look, drop)
    assert seen[0] is None or isinstance(seen[0], Thing)
