"""Where prices come from: made up, or from files."""
