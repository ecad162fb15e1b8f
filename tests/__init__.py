"""The tests: a folder for each room of `otrade`, and `harness` for what several of them stand on."""
