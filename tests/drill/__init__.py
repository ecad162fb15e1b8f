"""The fault drill: that it sees what is wrong, and the bugs that are planted to prove it."""
