"""What an exception of the code under test says: the kind of finding, one line, the place, the traceback."""

from __future__ import annotations

from torture.errors import CheckFailed
from torture.findings import FindingKind

_LONGEST = 4_000  # characters of a message


def kind_of(error: BaseException) -> FindingKind:
    """Return the kind of finding an uncaught exception is."""
    if isinstance(error, CheckFailed):
        return FindingKind(error.kind)
    if isinstance(error, AssertionError):
        return FindingKind.ASSERTION
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return FindingKind.EXIT
    if isinstance(error, MemoryError):
        return FindingKind.MEMORY
    return FindingKind.EXCEPTION


def message_of(error: BaseException) -> str:
    """Return type and text of an exception, the text alone of a check that says its kind."""
    try:
        text = str(error)
    except Exception as failure:  # the program's own ``__str__``
        text = f"<its __str__ raised {type(failure).__name__}>"
    text = _shortened(text, _LONGEST)
    if isinstance(error, CheckFailed):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def innermost(error: BaseException, own: str) -> str:
    """Return the innermost function of the top-level package ``own`` that the exception passed, "" for none."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == own:
            place = trace.tb_frame.f_code.co_qualname
        trace = trace.tb_next
    return place


def error_text(thread: str, error: BaseException) -> str:
    """Return the traceback of one thread's error, without torture's own frames."""
    import traceback  # here: a slow import that only an error needs

    lines = traceback.TracebackException.from_exception(error, lookup_lines=True)
    lines.stack = traceback.StackSummary.from_list(
        [frame for frame in lines.stack if "/torture/" not in frame.filename.replace("\\", "/")]
    )
    return f"in {thread}:\n" + "".join(_shortened(line, 2 * _LONGEST) for line in lines.format())


def _shortened(text: str, longest: int) -> str:
    """Return a text without its middle where it is too long for a report."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}… {len(text) - 2 * half:,} characters …{text[-half:]}"
