"""Updates that are lost: accounts, counters, locks that are the wrong ones, checks that are stale when they are acted on."""

import threading
from contextlib import nullcontext

from benchmarks.patterns.threads import Record, together


def _account(lock):
    account = Record(balance=10)

    def deposit():
        with lock:
            account.balance += 5

    def withdraw():
        with lock:
            account.balance -= 3

    together(deposit, withdraw)
    assert account.balance == 12


def account_bug():
    _account(nullcontext())


def account_ok():
    _account(threading.Lock())


def _counter(threads, rounds, lock):
    counter = Record(value=0)

    def bump():
        for _ in range(rounds):
            with lock:
                counter.value += 1

    together(*[bump] * threads)
    assert counter.value == threads * rounds


def counter_3x3_bug():
    _counter(3, 3, nullcontext())


def counter_3x3_ok():
    _counter(3, 3, threading.Lock())


def _minimum(limit, lock):
    """Fails only where nearly every update is lost."""
    counter = Record(value=0)

    def bump():
        for _ in range(3):
            with lock:
                counter.value += 1

    together(bump, bump)
    assert counter.value >= limit


def minimum_3_bug():
    _minimum(4, nullcontext())


def minimum_2_bug():
    _minimum(3, nullcontext())


def minimum_ok():
    _minimum(6, threading.Lock())


def _wronglock(first, second, readers):
    shared = Record(value=0)

    def one():
        with first:
            before = shared.value
            shared.value = before + 1
            assert shared.value == before + 1

    def other():
        with second:
            shared.value += 2

    together(one, *[other] * readers)


def wronglock_bug():
    _wronglock(threading.Lock(), threading.Lock(), 1)


def wronglock_3_bug():
    _wronglock(threading.Lock(), threading.Lock(), 3)


def wronglock_ok():
    lock = threading.Lock()
    _wronglock(lock, lock, 3)


def _transfer(lock):
    """The total is wrong only while a transfer is under way."""
    bank = Record(one=100, other=100)

    def transfer():
        with lock:
            bank.one -= 30
            bank.other += 30

    def audit():
        with lock:
            assert bank.one + bank.other == 200

    together(transfer, transfer, audit)


def transfer_bug():
    _transfer(nullcontext())


def transfer_ok():
    _transfer(threading.Lock())


def _lazy(lock, limit):
    """Three threads in turn; only one order of them reaches the limit."""
    shared = Record(data=0)

    def first():
        with lock:
            shared.data += 1

    def second():
        with lock:
            shared.data += 2

    def third():
        with lock:
            assert shared.data < limit

    together(third, first, second)


def lazy_bug():
    _lazy(threading.Lock(), 3)


def lazy_ok():
    _lazy(threading.Lock(), 4)


def _overdraft(atomic):
    account = Record(balance=10, lock=threading.Lock())

    def withdraw():
        with account.lock:
            enough = account.balance >= 6
            if atomic and enough:
                account.balance -= 6
        if enough and not atomic:
            with account.lock:
                account.balance -= 6

    together(withdraw, withdraw)
    assert account.balance >= 0


def overdraft_bug():
    _overdraft(False)


def overdraft_ok():
    _overdraft(True)


def _reuse(check_again):
    """A cache entry is dropped between the check and the use."""
    cache, lock, used = {"k": 1}, threading.Lock(), []

    def use():
        if "k" in cache:
            used.append(cache.get("k", 1) if check_again else cache["k"])

    def drop():
        with lock:
            cache.pop("k", None)

    together(drop, use)


def stale_key_bug():
    _reuse(False)


def stale_key_ok():
    _reuse(True)


def _singleton(lock):
    made, shared = [], Record(instance=None)

    def get():
        if shared.instance is None:
            with lock:
                if shared.instance is None or isinstance(lock, nullcontext):
                    made.append(1)
                    shared.instance = object()

    together(get, get, get)
    assert len(made) == 1


def singleton_bug():
    _singleton(nullcontext())


def singleton_ok():
    _singleton(threading.Lock())


def _half_built(publish_first):
    """Double-checked locking that shows the object before it is complete."""
    shared, lock = Record(instance=None), threading.Lock()

    def get():
        if shared.instance is None:
            with lock:
                if shared.instance is None:
                    made = Record(ready=False)
                    if publish_first:
                        shared.instance = made
                    made.ready = True
                    shared.instance = made
        assert shared.instance.ready

    together(get, get)


def half_built_bug():
    _half_built(True)


def half_built_ok():
    _half_built(False)
