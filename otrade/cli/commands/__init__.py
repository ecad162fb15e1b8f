"""Commands that need no running engine, one file each; `otrade/cli/main.py` is the command line that
names them.
"""
