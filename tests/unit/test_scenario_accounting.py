"""Every message is received once, in order, where it was meant to go; what is not is counted."""

import threading

import pytest

from torture.errors import CheckFailed
from torture.findings import FindingKind
from torture.oracles.accounting import SEVERITY, Accounts, Ledger, judge

BOTH = ("exactly-once", "fifo")


def accounts(sent="", received="", *, checks=BOTH, minimum=None):
    """Judge items written as "channel:item ..."."""
    ledger = Ledger()
    for entry in sent.split():
        ledger.sent(*entry.split(":"))
    for entry in received.split():
        ledger.received(*entry.split(":"))
    if minimum is not None:
        ledger.expect(minimum=minimum)
    return judge(ledger, checks)


def test_what_arrives_once_and_in_order_is_clean():
    judged = accounts("a:1 a:2 b:1", "a:1 b:1 a:2")

    assert judged == Accounts()
    assert judged.kind is None


@pytest.mark.parametrize(
    ("sent", "received", "counts", "kind", "example"),
    [
        ("a:1 a:2", "a:1", {"lost": 1}, "lost", "'2' was sent once on 'a' and received never"),
        ("a:1", "a:1 a:1", {"duplicated": 1}, "duplicated", "'1' was sent once on 'a' and received twice"),
        (
            "a:1 a:1",
            "a:1 a:1 a:1",
            {"duplicated": 1},
            "duplicated",
            "'1' was sent twice on 'a' and received 3 times",
        ),
        ("a:1 b:2", "b:1 b:2", {"misrouted": 1}, "misrouted", "'1' was received on 'b' and sent on 'a'"),
        ("a:1", "a:1 a:9", {"misrouted": 1}, "misrouted", "'9' was received on 'a' and never sent"),
        (
            "a:1 a:2",
            "a:2 a:1",
            {"reordered": 1},
            "reordered",
            "'1' was sent before '2' on 'a' and received after it",
        ),
        ("a:1 a:2", "a:1 a:1", {"lost": 1, "duplicated": 1}, "duplicated", "'1' was sent once"),
        ("a:1 a:2 a:3", "a:9 a:1", {"misrouted": 1, "lost": 2}, "misrouted", "'9' was received"),
    ],
)
def test_each_fault_is_counted_and_the_most_severe_names_it(sent, received, counts, kind, example):
    judged = accounts(sent, received)

    assert {name: count for name, count in judged.counts.items() if count} == counts
    assert judged.kind == kind
    assert example in judged.message


def test_only_what_is_checked_is_counted():
    assert accounts("a:1 a:2", "a:2", checks=["fifo"]) == Accounts()
    assert accounts("a:1 a:2", "a:2 a:1", checks=["exactly-once"]) == Accounts()
    assert accounts("a:1", "", checks=["none"]) == Accounts()


def test_fewer_than_the_program_says_are_lost():
    judged = accounts("a:1", "a:1", minimum=3)

    assert (judged.lost, judged.kind) == (2, "lost")
    assert "1 arrived, at least 3 must" in judged.message


def test_a_duplicate_does_not_make_up_for_what_did_not_arrive():
    assert accounts("a:1", "a:1 a:1", minimum=2).lost == 1


def test_order_between_two_senders_is_not_known():
    ledger = Ledger()
    ledger.sent("a", "first")
    other = threading.Thread(target=ledger.sent, args=("a", "second"))
    other.start()
    other.join()
    ledger.received("a", "second")
    ledger.received("a", "first")

    assert judge(ledger, BOTH) == Accounts()


def test_items_need_not_be_hashable_nor_comparable():
    class Odd:
        __hash__ = None

        def __init__(self, text):
            self.text = text

        def __eq__(self, other):
            raise RuntimeError("no")

        def __repr__(self):
            return self.text

    ledger = Ledger()
    for item in ([1], {"k": [2]}, Odd("x"), Odd("y")):
        ledger.sent("a", item)
    for item in ([1], {"k": [2]}, Odd("x"), Odd("x")):
        ledger.received("a", item)
    judged = judge(ledger, ["exactly-once"])

    assert (judged.lost, judged.duplicated, judged.misrouted) == (1, 1, 0)


def test_texts_hold_no_addresses():
    ledger = Ledger()
    ledger.sent("a", object())

    assert "<object object> was sent" in judge(ledger, BOTH).message


def test_the_counted_kinds_are_finding_kinds():
    assert {FindingKind(kind).value for kind in SEVERITY} == {
        "collision",
        "misrouted",
        "duplicated",
        "lost",
        "reordered",
    }


def test_what_is_handed_out_twice_on_a_channel_is_a_collision():
    judged = accounts("", "ports:1 ports:2 ports:1 other:2 ports:1", checks=["unique"])

    assert (judged.collisions, judged.kind) == (2, "collision")
    assert judged.message == "2 collisions: '1' was handed out 3 times on 'ports'"
    assert accounts("", "ports:1 other:1", checks=["unique"]) == Accounts()


def test_a_program_can_fail_with_a_kind_of_its_own():
    with pytest.raises(CheckFailed, match="half a state") as caught:
        Ledger().fail("torn", "half a state", torn=2)

    assert (caught.value.kind, caught.value.counts) == ("torn", {"torn": 2})
