"""Orders, brackets, entries and exits: lives worked by hand, and random ones by the thousand."""
