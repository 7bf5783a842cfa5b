"""`python -m chaos`; see chaos/command.py."""

import sys

if __name__ == "__main__":
    try:
        from chaos.command import main

        sys.exit(main())
    except KeyboardInterrupt:
        # What it stands on takes a second to load.
        print("interrupted", file=sys.stderr)
        sys.exit(130)
