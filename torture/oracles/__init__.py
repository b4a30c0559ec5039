"""Pure judges of what ran: they import no engine."""
