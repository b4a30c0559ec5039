"""Immutable records of what ran: sites, events, schedules, traces."""
