"""What explore and replay do with a result: print it, write it, turn it into an exit status."""

from __future__ import annotations

import sys

from torture.errors import UsageError
from torture.findings import Result
from torture.report import text


def conclude(result: Result, *, json_file: str | None) -> int:
    """Print the summary, write the JSON and return the exit status.

    With JSON on standard output (``-``) the summary goes to standard error: each stream stays whole.
    """
    print(text.summary(result), file=sys.stderr if json_file == "-" else sys.stdout)
    if json_file is not None:
        from torture.report import json

        document = json.dumps(result)
        if json_file == "-":
            print(document)
        else:
            try:
                with open(json_file, "w", encoding="utf-8") as file:
                    file.write(document + "\n")
            except OSError as error:
                raise UsageError(
                    f"--json {json_file}: {error.strerror}; name a file that can be written"
                ) from error
    return result.verdict.exit_status
