"""`otrade report`: figures, tables and charts of results, as a screen, one HTML file, CSV and JSON.
docs/report.md has each formula with its source.
"""
