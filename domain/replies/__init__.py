"""What a borrower's message says: labels, the order of intents, days and amounts. Pure; docs/replies.md explains."""
