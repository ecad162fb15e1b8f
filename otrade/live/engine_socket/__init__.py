"""The engine's Unix socket: who may speak there, and what is answered (docs/security.md). Imports
`live.api`, `contract`, `stream`.
"""
