"""The file layer sees every call, the recorder's operations make the folder again, the model drops what was not synced."""

import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import pytest

from torture.parallel.disk.model import Extent, complete, crash_states, volatile
from torture.parallel.disk.operations import (
    ROOT,
    Change,
    Image,
    Marked,
    Mode,
    Names,
    Node,
    Sync,
    Truncate,
    Write,
)
from torture.parallel.disk.recorder import snapshot

REPO = Path(__file__).parents[2]
# The layer is installed for good, so each program has a process of its own.
PREAMBLE = """
import io, os, shutil, sys, tempfile
from os import replace as replace_imported_before
from pathlib import Path
from torture.parallel.disk import layer
from torture.parallel.disk.model import complete
from torture.parallel.disk.recorder import Recorder, snapshot
base = Path(sys.argv[1])
(base / "old").write_text("old")
(base / "folder").mkdir()
recorder = Recorder(base)
layer.install(recorder)
"""
EPILOGUE = """
same = complete(recorder.initial, recorder.operations) == snapshot(base)[0].tree()
print(type(same).__name__, same, list(recorder.unmodelled), [each.text for each in recorder.operations])
"""
PROGRAMS = {
    "text": "with open(base / 'a', 'w') as f: f.write('x' * 9000)",
    "append": "with open(base / 'old', 'a') as f: f.write('more')",
    "in place": "with open(base / 'old', 'r+b') as f: f.seek(1); f.write(b'L'); f.truncate(2)",
    "truncated": "open(base / 'old', 'w').close()",
    "unbuffered": "f = open(base / 'a', 'wb', buffering=0); f.write(b'1'); f.write(b'2'); f.close()",
    "pathlib": "(base / 'a').write_text('x'); (base / 'a').rename(base / 'b'); (base / 'old').unlink()",
    "mkstemp": "d, n = tempfile.mkstemp(dir=base); os.write(d, b'x'); os.fsync(d); os.close(d); os.replace(n, base / 'n')",
    "named": "with tempfile.NamedTemporaryFile('w', dir=base, delete=False) as f: f.write('x')",
    "temporary folder": "with tempfile.TemporaryDirectory(dir=base) as d: (Path(d) / 'x').write_text('x')",
    "folders": "os.makedirs(base / 'p/q'); (base / 'p/q/r').touch(); shutil.rmtree(base / 'p')",
    "chmod": "os.chmod(base / 'old', 0o600); (base / 'folder').chmod(0o700)",
    "link": "os.link(base / 'old', base / 'new'); (base / 'old').unlink()",
    "fdopen": "with os.fdopen(os.open(base / 'a', os.O_WRONLY | os.O_CREAT), 'w') as f: f.write('x')",
    "imported": "(base / 'a').write_text('x'); replace_imported_before(base / 'a', base / 'old')",
    "pwrite": "d = os.open(base / 'old', os.O_RDWR); os.pwrite(d, b'X', 7); os.ftruncate(d, 20); os.close(d)",
    "dup": "d = os.open(base / 'old', os.O_RDWR); e = os.dup(d); os.close(d); os.write(e, b'X'); os.close(e)",
    "moved": "(base / 'old').rename(base / 'folder/old')",
    "by name": "d = os.open(path=base / 'a', flags=os.O_WRONLY | os.O_CREAT, mode=0o600); os.fsync(fd=d); os.close(fd=d)",
    "io.open": "f = io.open(base / 'a', 'x', encoding='utf-8'); f.write('é'); f.close()",
    "copied": "shutil.copyfile(base / 'old', base / 'a')",
    "relative": "os.chdir(base); open('a', 'w').write('x'); os.rename('a', 'b')",
}
UNSEEN = {
    "sub-process": "import subprocess; subprocess.run(['sh', '-c', f'echo x > {base}/a'], check=True)",
    "sqlite": "import sqlite3; c = sqlite3.connect(base / 'a'); c.execute('create table t(x)'); c.close()",
    "mmap": "import mmap; f = open(base / 'old', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0] = 88; m.flush(); m.close(); f.close()",
}


def recorded(program, folder):
    source = PREAMBLE + program + EPILOGUE
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", source, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False, cwd=REPO
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_records_make_the_folder_again(name, tmp_path):
    told = recorded(PROGRAMS[name], tmp_path)

    if name == "copied" and "sendfile" in told:
        return  # said as not modelled: the kernel copies by itself
    assert told.startswith("bool True []"), told
    assert not told.rstrip().endswith("[]"), "nothing was recorded"


@pytest.mark.parametrize("name", UNSEEN)
def test_what_does_not_pass_through_the_layer_is_noticed(name, tmp_path):
    assert recorded(UNSEEN[name], tmp_path).startswith("bool False")


def create(name, node):
    return Names(f"create {name}", (Change(ROOT, name, node),), node)


def rename(old, new, node):
    return Names(f"rename {old}", (Change(ROOT, new, node), Change(ROOT, old, None)))


def write(node, data, offset=0, grows=True):
    return Write("write", node, offset, data, grows)


def folder(**files):
    nodes = {ROOT: Node("folder", 0o755)}
    for number, (name, content) in enumerate(files.items(), 1):
        nodes[number] = Node("file", 0o644, bytearray(content))
        nodes[ROOT].names[name] = number
    return Image(nodes)


def contents(state):
    return {path: content for path, kind, _, content in state.tree if kind == "file"}


def possible(image, log, **settings):
    extent = Extent()
    found = [contents(state) for state in crash_states(image, log, extent, **settings)]
    return found, extent


REPLACE = [create("tmp", 9), write(9, b"new!"), rename("tmp", "file", 9)]


def test_a_rename_without_sync_may_leave_a_part_of_the_file_or_zeros():
    found, extent = possible(folder(file=b"old"), REPLACE)
    files = {each.get("file") for each in found}

    assert files == {b"old", b"", b"ne", bytes(4), b"new!"}
    assert (extent.operations, extent.prefixes, extent.bounded) == (3, 4, "")


def test_a_synced_file_is_whole_when_it_is_renamed_and_the_rename_itself_may_be_missing():
    log = [*REPLACE[:2], Sync("fsync", 9), REPLACE[2]]
    found, _ = possible(folder(file=b"old"), log)

    assert {each.get("file") for each in found} == {b"old", b"new!"}
    last = [state for state in crash_states(folder(file=b"old"), log, Extent()) if state.position == 4]
    assert b"old" in {contents(state)["file"] for state in crash_states(folder(file=b"old"), log, Extent())}
    assert last  # the new file, renamed


def test_after_the_folder_is_synced_nothing_is_missing():
    log = [*REPLACE[:2], Sync("fsync", 9), REPLACE[2], Sync("fsync .", ROOT), Marked("acknowledged", 1)]
    after = [
        contents(state) for state in crash_states(folder(file=b"old"), log, Extent()) if state.marks == 1
    ]

    assert after == [{"file": b"new!"}]


def test_volatile_is_what_no_sync_covers():
    log = [
        create("a", 9),
        write(9, b"12"),
        Mode("chmod", 9, 0o600),
        Truncate("truncate", 9, 1),
        Names("move", (Change(5, "a", 9), Change(ROOT, "a", None))),
    ]

    assert volatile(log) == [0, 1, 2, 3, 4]
    assert volatile([*log, Sync("fdatasync", 9, data_only=True)]) == [0, 2, 4]
    assert volatile([*log, Sync("fsync", 9)]) == [0, 4]
    assert volatile([*log, Sync("fsync", ROOT)]) == [1, 2, 3, 4]
    assert volatile([*log, Sync("fsync", ROOT), Sync("fsync", 5)]) == [1, 2, 3]
    assert volatile([*log, Sync("sync", None)]) == []
    assert volatile([Sync("fsync", 9), *log]) == [1, 2, 3, 4, 5]


def test_reordered_writes_are_every_subset():
    image = folder(a=b"0", b=b"0")
    log = [write(1, b"1", grows=False), write(2, b"1", grows=False)]
    found, extent = possible(image, log)

    assert sorted((each["a"], each["b"]) for each in found) == sorted(product([b"0", b"1"], repeat=2))
    assert extent.states == 4


def test_a_bound_is_said_with_where_it_was_reached():
    found, extent = possible(folder(file=b"old"), REPLACE * 3, limit=50)

    assert extent.looked == 50
    assert extent.bounded.startswith("50 images; left out: ")
    assert found


def test_the_end_of_the_time_is_said_too():
    found, extent = possible(folder(file=b"old"), REPLACE, over=lambda: True)

    assert found == []
    assert extent.bounded.startswith("time was up after 0 images; left out: ")


def test_a_snapshot_knows_links_and_modes(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o640)
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("a")
    image, _ = snapshot(tmp_path)
    tree = {path: (kind, mode, content) for path, kind, mode, content in image.tree()}

    assert image.nodes[ROOT].names["a"] == image.nodes[ROOT].names["b"]
    assert tree["a"] == tree["b"] == ("file", 0o640, b"x")
    assert tree["c"][0::2] == ("link", b"a")
    assert complete(image, []) == image.tree()


def test_a_materialised_tree_is_the_tree():
    from torture.parallel.processes.survivors import materialise

    image = folder(file=b"old")
    image.make([Names("make", (Change(ROOT, "f", 7),), 7, "folder", 0o500)])
    image.apply(Names("make", (Change(ROOT, "f", 7),), 7, "folder", 0o500))
    with tempfile.TemporaryDirectory() as place:
        materialise(Path(place) / "made", image.tree())

        assert snapshot(Path(place) / "made")[0].tree() == image.tree()
