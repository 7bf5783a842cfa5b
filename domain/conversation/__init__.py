"""Talking with a borrower: what is asked, what may be said, what waits for their yes. Pure; docs/conversation.md."""
