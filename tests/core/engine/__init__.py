"""The engine as a whole: frames in, feeds side by side, the warm-up."""
