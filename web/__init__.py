"""The web app: what providers and people reach over HTTP."""
