"""The journal of one day: recovered from at the start, written until the end. Imports `journal` and
`plan`.
"""
