"""What the project is: its name, its root, and what git says of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

GIT_LIMIT = 5.0  # seconds for each call


class ProjectInfoDiscovery:
    """Looks at the project that a folder (``.praxis-os``) lies in; keeps nothing, so any threads may ask."""

    def __init__(self, base_path: Path) -> None:
        self._base = base_path

    def get_project_info(self) -> dict[str, Any]:
        """Return name, root, praxis_os_path, and git's remote, branch, commit, commit_short and status.

        ``git`` is None where there is no repository, or git does not answer; nothing is raised.
        """
        base = self._base.absolute()
        root = base.parent
        git = self._git_info(root)
        remote = git["remote"] if git else None
        return {
            "name": _repository(remote) or root.name or "unknown",
            "root": str(root),
            "praxis_os_path": str(base),
            "git": git,
        }

    def _git_info(self, root: Path) -> dict[str, str | None] | None:
        commit = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain")
        if not commit or status is None:
            return None
        return {
            "remote": _git(root, "remote", "get-url", "origin"),
            "branch": _git(root, "branch", "--show-current"),
            "commit": commit,
            "commit_short": commit[:7],
            "status": "dirty" if status else "clean",
        }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no folder, no answer in time
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _repository(remote: str | None) -> str:
    """Return the last part of a remote's address, without ``.git``."""
    return (remote or "").rstrip("/").replace(":", "/").rpartition("/")[2].removesuffix(".git")
