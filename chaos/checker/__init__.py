"""Judges a campaign by the outside world's own log. Shares no code with the product: import-linter holds it."""
