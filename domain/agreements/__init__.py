"""Agreements with a borrower: promises, plans, settlements and restructurings, as plain values and pure rules."""
