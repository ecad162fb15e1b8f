"""The independent trader."""
