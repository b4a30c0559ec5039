"""Shared structures: stacks, queues, rings, lists, work stealing, ABA, sequence locks."""

import threading
from contextlib import nullcontext

from benchmarks.patterns.threads import Record, together


def _stack(lock):
    stack = Record(items=[None] * 4, top=0)
    got = []

    def push():
        for value in (1, 2):
            with lock:
                stack.items[stack.top] = value
                stack.top += 1

    def pop():
        for _ in range(2):
            with lock:
                if stack.top > 0:
                    stack.top -= 1
                    got.append(stack.items[stack.top])
                    stack.items[stack.top] = None

    together(push, pop)
    assert None not in got


def stack_bug():
    _stack(nullcontext())


def stack_ok():
    _stack(threading.Lock())


def _ring(lock):
    ring = Record(slots=[None] * 3, head=0, tail=0)
    got = []

    def put():
        for value in (1, 2):
            with lock:
                ring.tail += 1
                ring.slots[(ring.tail - 1) % 3] = value

    def take():
        for _ in range(2):
            with lock:
                if ring.head < ring.tail:
                    got.append(ring.slots[ring.head % 3])
                    ring.head += 1

    together(put, take)
    assert None not in got


def ring_bug():
    _ring(nullcontext())


def ring_ok():
    _ring(threading.Lock())


class _Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


def _linked(lock):
    """Insertions at the head of a list."""
    chain = Record(head=None)

    def insert(value):
        def work():
            with lock:
                node = _Node(value)
                node.following = chain.head
                chain.head = node

        return work

    together(*[insert(value) for value in range(3)])
    node, seen = chain.head, []
    while node is not None:
        seen.append(node.value)
        node = node.following
    assert sorted(seen) == [0, 1, 2]


def linked_list_bug():
    _linked(nullcontext())


def linked_list_ok():
    _linked(threading.Lock())


def _cas(record, lock, name, old, new):
    with lock:
        if getattr(record, name) is old:
            setattr(record, name, new)
            return True
        return False


def _treiber(tagged):
    """Pop reads the successor before it swings the head: ABA."""
    lock = threading.Lock()
    third = _Node(3)
    second = _Node(2, third)
    first = _Node(1, second)
    stack = Record(head=(first,))
    owned = []

    def pop():
        while True:
            pair = stack.head
            node = pair[0]
            if node is None:
                return None
            following = node.following
            if tagged:
                done = _cas(stack, lock, "head", pair, (following,))
            else:
                with lock:
                    done = stack.head[0] is node
                    if done:
                        stack.head = (following,)
            if done:
                return node

    def push(node):
        with lock:
            node.following = stack.head[0]
            stack.head = (node,)

    def one():
        owned.append(pop())

    def other():
        node = pop()
        owned.append(pop())
        if node is not None:
            push(node)

    together(one, other)
    node, seen = stack.head[0], [node.value for node in owned if node is not None]
    while node is not None and len(seen) < 9:
        seen.append(node.value)
        node = node.following
    assert len(seen) == len(set(seen))


def treiber_aba_bug():
    _treiber(False)


def treiber_aba_ok():
    _treiber(True)


def _stealing(lock, thief_lock):
    """The owner takes the last item without asking the thieves."""
    deque = Record(head=0, tail=0, items=[None] * 4)
    taken = []

    def take():
        with lock:
            tail = deque.tail - 1
            deque.tail = tail
            if deque.head <= tail:
                taken.append(deque.items[tail])
            else:
                deque.tail = tail + 1

    def owner():
        for value in (1, 2, 3):
            with lock:
                deque.items[deque.tail] = value
                deque.tail += 1
        for _ in range(3):
            take()

    def thief():
        for _ in range(2):
            with thief_lock:
                head = deque.head
                if head < deque.tail:
                    deque.head = head + 1
                    taken.append(deque.items[head])

    together(owner, thief)
    assert len(taken) == len(set(taken)), taken


def work_stealing_bug():
    _stealing(nullcontext(), threading.Lock())


def work_stealing_ok():
    lock = threading.Lock()
    _stealing(lock, lock)


def _sequence(check):
    """A sequence lock whose reader does not look at the number again."""
    shared = Record(number=0, left=0, right=0)

    def write():
        for value in (1, 2):
            shared.number += 1
            shared.left = value
            shared.right = value
            shared.number += 1

    def read():
        for _ in range(2):
            before = shared.number
            if before % 2:
                continue
            left, right = shared.left, shared.right
            if check and shared.number != before:
                continue
            assert left == right

    together(write, read)


def sequence_lock_bug():
    _sequence(False)


def sequence_lock_ok():
    _sequence(True)


def _bounded(condition):
    """Producers and consumers over one condition: ``if`` where ``while`` is needed."""
    items, changed, got = [], threading.Condition(), []

    def put():
        with changed:
            items.append(1)
            changed.notify_all()

    def take():
        with changed:
            if condition == "while":
                while not items:
                    changed.wait()
            elif not items:
                changed.wait()
            got.append(items.pop())

    together(put, take, put, take)
    assert len(got) == 2


def if_instead_of_while_bug():
    _bounded("if")


def if_instead_of_while_ok():
    _bounded("while")


def _registry(copy):
    """Listeners are changed while they are called."""
    listeners, called = {"a": 1, "b": 2}, []

    def fire():
        for name in list(listeners) if copy else listeners:
            called.append(name)

    def add():
        listeners["c"] = 3

    together(fire, add)


def listeners_bug():
    _registry(False)


def listeners_ok():
    _registry(True)


def _references(lock):
    """A count of references that reaches zero twice."""
    handle = Record(count=2, closed=0)

    def drop():
        with lock:
            handle.count -= 1
            last = handle.count == 0
        if last:
            handle.closed += 1

    together(drop, drop)
    assert handle.closed == 1


def reference_count_bug():
    _references(nullcontext())


def reference_count_ok():
    _references(threading.Lock())
