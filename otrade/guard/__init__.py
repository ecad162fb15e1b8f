"""What stands before every port of ours: connections, bytes, time and frames are bounded before a
parser sees them. The page's and the hooks' server use it alike; it knows neither.
"""
