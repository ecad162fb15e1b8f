"""The commands of `otrade`, one file each; `otrade/cli.py` is the command line that names them."""
