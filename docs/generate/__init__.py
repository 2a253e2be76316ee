"""What of docs/reference is derived from the code.

`python -m docs.generate` writes it, and tests/test_reference.py says when it is stale.
"""
