"""Who has asked for something, for the journal."""

import msgspec


class Actor(msgspec.Struct, frozen=True):
    """A person, a script or the local user; from where; and the key that makes a command happen
    once, empty for what is no command.
    """

    name: str = ""
    via: str = ""
    key: str = ""

    @property
    def words(self) -> str:
        """Name and place."""
        return f"{self.name} at {self.via}" if self.via else self.name
