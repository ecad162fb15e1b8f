"""What the machine is asked for, and the file that says who runs."""
