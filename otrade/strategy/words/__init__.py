"""What a strategy file is made of, as plain Python: fields, parameters, reasons, cells of indicators,
decisions. A file runs by these words alone; a compiled one must do the same, bit for bit. Imports the
records of the core, and no compiler.
"""
