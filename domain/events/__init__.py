"""What can happen to a loan in collection: the contract's signals and updates, and our own reports.

Field names and types are the public contract (docs/contract.md).
"""
