"""What is known of each instrument, and the strategies that read it. Imports `_core.state` and
`_core.types`.
"""
