"""Understands what borrowers write, offline: a small linear model trained from `replies/data`, and rules.

`classify` is what other code calls. docs/replies.md tells what the labels mean and how good the model is.
"""

from replies.classify import Classifier, classify

__all__ = ["Classifier", "classify"]
