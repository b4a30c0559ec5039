"""What may be found after a crash: the last acknowledged item, or one whose writing had begun by then."""

import pytest

from torture.oracles.durability import Mark, judge


def marks(text):
    """Read ``b1 a1 s1``: begun, acknowledged, survived; ``-`` is nothing."""
    stages = {"b": "begun", "a": "acknowledged", "s": "survived"}
    return [
        Mark(stages[word[0]], "file", None if word[1:] == "-" else int(word[1:])) for word in text.split()
    ]


@pytest.mark.parametrize(
    "history",
    [
        "s-",
        "b1 s-",
        "b1 s1",
        "b1 a1 s1",
        "b1 a1 b2 s1",
        "b1 a1 b2 s2",
        "b1 b2 a1 a2 s1",  # they overlap: either order
        "b1 b2 a2 s1",  # 1 was never acknowledged, and may come last
        "b1 a1 b2 a2 b1 a1 s1",  # the same again
        "b1 a1 s1 b2 a2 s2",
    ],
)
def test_it_may_be_found(history):
    assert judge(marks(history)) is None


@pytest.mark.parametrize(
    ("history", "kind", "words"),
    [
        ("b1 a1 s-", "lost", "1 was acknowledged on 'file', and nothing was found"),
        ("b1 a1 b2 a2 s1", "lost", "2 was acknowledged on 'file', and the older 1 was found"),
        ("b1 a1 s3", "invariant", "3 was found on 'file', and nobody wrote it"),
        ("b1 a1 s1 b2 a2 s1", "lost", "2 was acknowledged"),
    ],
)
def test_it_must_not_be_found(history, kind, words):
    found = judge(marks(history))

    assert found is not None
    assert found[0] == kind
    assert words in found[1]


def test_channels_are_apart():
    assert judge([Mark("begun", "a", 1), Mark("acknowledged", "a", 1), Mark("survived", "b", None)]) is None
