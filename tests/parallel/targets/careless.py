"""The hardened state file, each with one care left out: what stands in mcp_reference is not there for nothing."""

import json
import os
import tempfile
from contextlib import nullcontext

from mcp_reference.transport import PortManager, StateFile


class _Careless(StateFile):
    def write(self, state):
        content = json.dumps(state).encode()
        with self._locked():
            descriptor, temporary = tempfile.mkstemp(prefix=self._temporary, dir=self.path.parent)
            self.put(descriptor, content)
            self.finish(descriptor, temporary)

    def put(self, descriptor, content):
        while content:
            content = content[os.write(descriptor, content) :]

    def finish(self, descriptor, temporary):
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(temporary, self.path)
        self._sync_folder()


class _OneWrite(_Careless):
    def put(self, descriptor, content):
        os.write(descriptor, content)


class _NoFolder(_Careless):
    def _sync_folder(self):
        pass


class _NoFile(_Careless):
    def finish(self, descriptor, temporary):
        os.close(descriptor)
        os.replace(temporary, self.path)
        self._sync_folder()


class _LateFile(_Careless):
    def finish(self, descriptor, temporary):
        os.replace(temporary, self.path)
        os.fsync(descriptor)
        os.close(descriptor)
        self._sync_folder()


class _NoLock(StateFile):
    def _locked(self):
        return nullcontext()


def _manager(file):
    class Manager(PortManager):
        @classmethod
        def _file(cls, base_path):
            return file(base_path / cls.STATE_FILE_NAME)

    return Manager


careful = _manager(_Careless)
no_fsync_of_the_folder = _manager(_NoFolder)
no_fsync_of_the_file = _manager(_NoFile)
fsync_after_the_rename = _manager(_LateFile)
one_write = _manager(_OneWrite)
no_lock = _manager(_NoLock)
