"""The commands of `otrade`, one file each; `otrade/cli/main.py` is the command line that names
them.
"""
