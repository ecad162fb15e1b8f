"""Results for a notebook: DataFrames in rupees and Indian time. pandas is imported here only."""
