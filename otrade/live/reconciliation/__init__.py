"""The broker's orders and positions against ours: explained, adopted, or quarantined. Imports `oms`
and `plan`.
"""
