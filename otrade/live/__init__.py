from otrade.lean import without

with without({"typing_extensions": None}):  # Python itself has all of what is looked for there
    import msgspec  # noqa: F401
