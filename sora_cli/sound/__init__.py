"""Sound: voices that speak, sounds found by words, and the mix of it all."""
