"""``python -m zktorch``: the command line."""

from __future__ import annotations

import sys

from . import _native


def main() -> None:
    """Runs the command line with the words of this process, and ends it."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(_native.command_line(["zktorch", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
