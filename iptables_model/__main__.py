"""Run the command line as `python -m iptables_model`."""

from __future__ import annotations

import sys

from iptables_model.cli import main

if __name__ == "__main__":
    sys.exit(main())
