"""What film people hand over: scripts, shot lists and boards come in, cuts go out to edit suites and come back."""
