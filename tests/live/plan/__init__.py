"""From a configuration to the engine that is built."""
