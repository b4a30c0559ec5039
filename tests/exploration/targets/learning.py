"""Programs in which most of what is touched is not shared, or seems not to be."""

import threading


class Box:
    def __init__(self):
        self.step = 0
        self.value = 0
        self.private = 0
        self.done = []


def _together(*workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _climb(box, steps):
    """Return whether this thread saw every step of the other one."""
    return all(box.step == step for step in range(1, steps))


def rare_branch():
    """The only other access to ``value`` stands in a branch that one schedule in many takes."""
    box = Box()

    def one():
        for step in range(1, 4):
            box.step = step
        before = box.value
        box.value = before + 1

    def other():
        if _climb(box, 3):
            box.value = 10

    _together(one, other)
    assert box.value != 1 or not box.done


def rare_loss():
    """An update is lost in one schedule of many; a lot goes on beside it that nobody shares."""
    assert not _seen_while_it_climbs()


def no_loss():
    """The same without the loss."""
    _seen_while_it_climbs()


def _seen_while_it_climbs():
    box, seen = Box(), []

    def one():
        own = Box()
        for step in range(1, 4):
            own.private += 1
            own.done.append(step)
            box.step = step

    def other():
        own = Box()
        own.private = sum(own.done)
        seen.append(_climb(box, 4))

    _together(one, other)
    return seen[0]


def rare_share():
    """A list is taken by a second thread in a function that is called in one schedule of many only."""
    box = Box()
    secret = [0]

    def take():
        secret.append(1)
        secret.append(2)

    def one():
        for step in range(1, 4):
            box.step = step
        size = len(secret)
        last = secret[-1]
        assert (size, last) in {(1, 0), (3, 2)}

    def other():
        if _climb(box, 3):
            take()

    _together(one, other)
