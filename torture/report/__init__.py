"""What a reader gets: console, text, JSON, the report of a failure. Imports no engine."""
