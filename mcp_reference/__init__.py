"""Concurrency designs of one system, hardened, with the faulty published variants beside them.

Each component package holds the hardened classes; its ``published`` module the design as published,
faults kept on purpose and named by their row in the fault catalogue (``0.1``, ``4.2``, ...).
"""
