"""The handlers of the REST API, through one dispatch. Imports `auth`, `http` and `contract`."""
