"""The engine for real threads, through its public interface."""
