"""Scheduling points written into bytecode; takes callbacks, knows no runtime.

``rewrite`` one code object, ``functions`` those of whole modules, ``learn`` which modules run,
``atomicity`` what calls of builtins do. Below them: ``operations`` (what is written at each opcode, with
``writer``), ``names`` and ``cells`` (static selection), ``layout`` (decode, assemble), ``opcodes`` (what
differs between interpreter versions).
"""
