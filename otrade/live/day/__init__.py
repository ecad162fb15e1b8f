"""One trading day from open to shutdown. Imports `oms`, `reconciliation`, `persistence`, `plan` and
`history`.
"""
