"""`python -m otrade` is `otrade`."""

import sys

from otrade.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
