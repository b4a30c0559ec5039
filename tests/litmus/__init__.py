"""Litmus programs: tiny threaded programs with the exact set of outcomes each may have."""
