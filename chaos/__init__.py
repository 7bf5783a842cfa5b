"""Campaigns under a seeded schedule of faults, judged by the outside world's own log: `make chaos`.

See docs/chaos.md for what is injected and what is checked.
"""
