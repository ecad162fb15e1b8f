"""The broker's orders and positions against ours: reconciled, adopted, or quarantined. Imports `oms`
and `plan`.
"""
