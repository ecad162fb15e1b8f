"""The `otrade` command, which is `python -m otrade` too."""

import signal
import sys


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code. A stop that comes while modules are loaded waits until the
    command is there to answer it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    from otrade.cli import main as command_line

    return command_line.main(argv)


if __name__ == "__main__":
    sys.exit(main())
