"""Thread-safety verification and stress tests for Python code."""

__version__ = "0.1.0"
