"""One page to look at: a film or a storyboard as a file that any browser opens from disk, without a network."""
